# U-Boot's part on the Orange Pi PC: load Baton and the board's device tree, and start Baton.
# The kernel's command line is passed on; tokens "baton.NAME=VALUE" set Baton's variables.
setenv bootargs console=ttyS0,115200
load ${devtype} ${devnum}:${distro_bootpart} ${fdt_addr_r} sun8i-h3-orangepi-pc.dtb
load ${devtype} ${devnum}:${distro_bootpart} ${kernel_addr_r} baton.zimg
bootz ${kernel_addr_r} - ${fdt_addr_r}

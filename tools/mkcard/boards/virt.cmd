# U-Boot's part on QEMU's virt machine: load Baton, hand it QEMU's device tree.
# The kernel's command line is passed on; tokens "baton.NAME=VALUE" set Baton's variables.
setenv bootargs console=ttyAMA0
load ${devtype} ${devnum}:${distro_bootpart} ${kernel_addr_r} baton.zimg
bootz ${kernel_addr_r} - ${fdtcontroladdr}

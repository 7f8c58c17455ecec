//! From what a boot command was given to a prepared boot: look, place, fix, check. Everything can
//! still be refused, and nothing has been written.

use alloc::{boxed::Box, format, string::String};

use platform_api::{MemoryError, PhysRange};

use super::{
    BootError, BootPlan, KernelFacts, Opened, Piece, Request, Source, place,
    prepared::{Pieces, Prepared},
    tree::PayloadTree,
};
use crate::{commands::CommandError, context::Context};

#[cfg(test)]
mod tests;

/// What a boot command was told.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The image.
    pub image: Source<'a>,
    /// The initial RAM disk.
    pub initrd: Option<Source<'a>>,
    /// A tree in the place of the working tree.
    pub tree: Option<Source<'a>>,
    /// The payload's arguments, in the place of `bootargs`.
    pub arguments: Option<&'a str>,
}

impl<'a> Wanted<'a> {
    /// Wants an image alone.
    pub fn image(image: Source<'a>) -> Self {
        Self {
            image,
            initrd: None,
            tree: None,
            arguments: None,
        }
    }
}

/// Prepares the boot of a zImage.
///
/// # Errors
/// Everything that can be wrong with the pieces or keep them from their places.
pub fn prepare_zimage(cx: &mut Context<'_>, wanted: Wanted<'_>) -> Result<Prepared, CommandError> {
    let image = wanted.image.open(cx)?;
    let header = image.zimage(cx)?;
    let initrd = wanted.initrd.map(|initrd| initrd.open(cx)).transpose()?;
    let named = wanted.tree.map(|tree| tree.open(cx)).transpose()?;
    let mut tree = PayloadTree::take(cx, named.as_ref(), wanted.arguments)?;
    let placed = place(&Request {
        map: &cx.map,
        reserved: &tree.reserved,
        kernel: KernelFacts::from(&header),
        kernel_at: image.address(),
        initrd: initrd.as_ref().map(piece).transpose()?,
        tree_size: tree.room(cx)?,
    })?;
    let initrd_name = wanted
        .initrd
        .map_or(String::new(), |initrd| format!(", {initrd}"));
    let line = format!(
        "boot {}{initrd_name}: entry {}, tree {}\n",
        wanted.image,
        placed.image.start(),
        placed.tree.start()
    );
    tree.fix(cx, placed.initrd, &line)?;
    let plan = BootPlan::from_placement(&cx.map, &placed)?;
    let pieces = Pieces::Image {
        image: (image, placed.image),
        initrd: initrd.zip(placed.initrd),
    };
    Prepared::new(cx, plan, tree, pieces, line)
}

/// Returns what placement must know of an initrd.
fn piece(initrd: &Opened) -> Result<Piece, Box<BootError>> {
    match *initrd {
        Opened::File(ref file, _) => Ok(Piece::Anywhere(file.size())),
        Opened::Memory { at, size } => {
            let size = size.ok_or(BootError::UnknownSize(at))?;
            if size == 0 {
                return Err(BootError::EmptyInitrd(at).into());
            }
            PhysRange::from_size(at, size)
                .map(Piece::At)
                .ok_or_else(|| MemoryError::Unaddressable(at).into())
        }
    }
}

//! A plot as a PNG: the same drawing as the SVG, in pixels, by resvg and a font that is in the binary. The same everywhere.

use std::sync::{Arc, LazyLock};

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree, fontdb};

use super::{Plot, Size, svg};

/// Roboto, cut to the letters that stand in plots: `assets/README.md`.
const FONT: &[u8] = include_bytes!("../../assets/Roboto-Regular.ttf");
const FAMILY: &str = "Roboto";

static FONTS: LazyLock<Arc<fontdb::Database>> = LazyLock::new(|| {
    let mut fonts = fontdb::Database::new();
    fonts.load_font_data(FONT.to_vec());
    fonts.set_sans_serif_family(FAMILY);
    Arc::new(fonts)
});

/// The file; `scale` pixels to each of the drawing's.
pub(super) fn of(plot: &Plot, size: Size, scale: u32) -> Vec<u8> {
    let options = Options { fontdb: Arc::clone(&FONTS), font_family: FAMILY.to_owned(), ..Options::default() };
    let text = svg::file(plot, size).into_string();
    let tree = Tree::from_str(&text, &options).expect("the drawing is well-formed SVG");
    let mut pixels = Pixmap::new(size.width * scale, size.height * scale).expect("a plot has a width and a height");
    let scale = scale as f32;
    resvg::render(&tree, Transform::from_scale(scale, scale), &mut pixels.as_mut());
    pixels.encode_png().expect("a PNG is written into memory")
}

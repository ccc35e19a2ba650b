pub mod packing;
pub mod plan;
pub mod template;

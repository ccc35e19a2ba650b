use super::*;
use crate::experiment::Data;

pub fn world(spec: &str) -> World {
    let spec = if spec.starts_with('{') { WorldSpec::from_json(spec).expect(spec) } else { spec.parse().expect(spec) };
    World::new(&spec).expect("a world")
}

//! A mixture of worlds as rows of text: a weight and a world each. What a row says is read as it is typed; what cannot be read
//! stays as text, and the mixture keeps what it had.

use crate::experiment::{Component, Problem, WorldMixture, WorldSpec, typed, world::KINDS};

use super::fields::{self, Typed};

/// An entry of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Weight,
    World,
}

impl Part {
    /// As in test hooks and fields: `weight`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Weight => "weight",
            Self::World => "world",
        }
    }

    pub fn label(self) -> &'static str {
        match self {
            Self::Weight => "Weight",
            Self::World => "World",
        }
    }

    pub fn about(self) -> &'static str {
        match self {
            Self::Weight => "How often this part is drawn; weights are divided by their sum",
            Self::World => "A world in its short form, such as coins:n=2, or a process as JSON",
        }
    }

    /// What problems and typed texts call this entry of row `i`.
    pub fn field(self, i: usize) -> String {
        format!("world.mixture[{i}].{}", self.name())
    }

    /// What the mixture has in this entry.
    pub fn text(self, world: &WorldSpec, i: usize) -> String {
        let WorldSpec::Mixture(WorldMixture { mixture }) = world else { return String::new() };
        mixture.get(i).map_or_else(String::new, |c| match self {
            Self::Weight => fields::format(c.weight),
            Self::World => c.world.to_string(),
        })
    }

    /// Puts what was typed into row `i`; what cannot be read is a problem, and the row keeps what it had.
    pub fn put(self, world: &mut WorldSpec, i: usize, text: &str) -> Result<(), Problem> {
        let WorldSpec::Mixture(WorldMixture { mixture }) = world else { return Ok(()) };
        let Some(row) = mixture.get_mut(i) else { return Ok(()) };
        match self {
            Self::Weight => {
                let quoted =
                    |why: String| Problem::new(&self.field(i), format!("\"{text}\""), "a number, 0 or more", &why);
                row.weight = typed::number(text).map_err(quoted)?;
            }
            Self::World => {
                // In its short form or as JSON; ranges are the experiment's to check.
                row.world = text.trim().parse().map_err(|p| Problem { field: self.field(i), ..p })?;
            }
        }
        Ok(())
    }
}

/// Two equal parts: the world itself, and the next one of the table.
pub fn of(world: &WorldSpec) -> WorldSpec {
    let mut mixture =
        WorldSpec::Mixture(WorldMixture { mixture: vec![Component { weight: 1.0, world: world.clone() }] });
    add(&mut mixture);
    mixture
}

/// The first part alone.
pub fn first(world: &WorldSpec) -> WorldSpec {
    match world {
        WorldSpec::Mixture(WorldMixture { mixture }) => {
            mixture.first().map_or_else(WorldSpec::default, |c| c.world.clone())
        }
        other => other.clone(),
    }
}

/// One more part, of a kind that the mixture does not have yet, where there is one.
pub fn add(world: &mut WorldSpec) {
    if let WorldSpec::Mixture(WorldMixture { mixture }) = world {
        let has = |name: &str| mixture.iter().any(|c| c.world.kind().is_some_and(|k| k.name == name));
        let kind = KINDS.iter().skip(1).find(|k| !has(k.name)).unwrap_or(&KINDS[0]);
        mixture.push(Component { weight: 1.0, world: WorldSpec::named(kind) });
    }
}

/// Without row `i`, the texts of the rows after it moving up; the last row stays.
pub fn remove(world: &mut WorldSpec, typed: &mut Typed, i: usize) {
    let WorldSpec::Mixture(WorldMixture { mixture }) = world else { return };
    if mixture.len() < 2 || i >= mixture.len() {
        return;
    }
    mixture.remove(i);
    for part in [Part::Weight, Part::World] {
        typed.remove(&part.field(i));
        for later in i..mixture.len() {
            if let Some(text) = typed.remove(&part.field(later + 1)) {
                typed.put(&part.field(later), &text);
            }
        }
    }
}

/// Weight 1 for every part.
pub fn equal_weights(world: &mut WorldSpec, typed: &mut Typed) {
    if let WorldSpec::Mixture(WorldMixture { mixture }) = world {
        for (i, part) in mixture.iter_mut().enumerate() {
            part.weight = 1.0;
            typed.remove(&Part::Weight.field(i));
        }
    }
}

/// What is wrong with the texts that could not be read.
pub fn unreadable(world: &WorldSpec, typed: &Typed) -> Vec<Problem> {
    let WorldSpec::Mixture(WorldMixture { mixture }) = world else { return Vec::new() };
    let mut problems = Vec::new();
    for i in 0..mixture.len() {
        for part in [Part::Weight, Part::World] {
            if let Some(text) = typed.get(&part.field(i)) {
                problems.extend(part.put(&mut world.clone(), i, text).err());
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(world: &WorldSpec) -> Vec<String> {
        (0..9).map(|i| Part::World.text(world, i)).take_while(|t| !t.is_empty()).collect()
    }

    #[test]
    fn rows_come_and_go() {
        let mut world = of(&WorldSpec::default());
        assert_eq!(texts(&world), ["dursley-wonka", KINDS[1].name]);
        assert_eq!(world.validate(), Ok(()));
        add(&mut world);
        let mut typed = Typed::default();
        typed.put(&Part::World.field(2), "nonsense");
        remove(&mut world, &mut typed, 0);
        assert_eq!(texts(&world).len(), 2);
        assert_eq!(typed.get(&Part::World.field(1)), Some("nonsense"));
        assert_eq!(unreadable(&world, &typed).len(), 1);
        remove(&mut world, &mut typed, 1);
        remove(&mut world, &mut typed, 0);
        assert_eq!(texts(&world), [KINDS[1].name]);
        assert!(typed.is_empty());
        assert_eq!(first(&world).to_string(), KINDS[1].name);
    }

    #[test]
    fn what_cannot_be_read_changes_nothing_and_says_where() {
        let mut world = of(&WorldSpec::default());
        let before = world.clone();
        for (part, text) in [(Part::Weight, "much"), (Part::World, "coins:n=x"), (Part::World, "{"), (Part::World, "")]
        {
            let problem = part.put(&mut world, 1, text).expect_err(text);
            assert_eq!(problem.field, part.field(1), "{text}");
            assert_eq!(world, before);
        }
        let said = Part::Weight.put(&mut world, 1, "1 5").expect_err("two numbers");
        assert!(said.advice.contains("without spaces"), "{said}");
        assert_eq!((Part::Weight.put(&mut world, 1, "1,5"), Part::Weight.text(&world, 1)), (Ok(()), "1.5".into()));
        assert_eq!(Part::Weight.put(&mut world, 1, " 0.25 "), Ok(()));
        assert_eq!(Part::World.put(&mut world, 1, "coins:n=3"), Ok(()));
        assert_eq!((Part::Weight.text(&world, 1), Part::World.text(&world, 1)), ("0.25".into(), "coins:n=3".into()));
        // Out of range is read, and refused by the experiment's own words.
        assert_eq!(Part::World.put(&mut world, 1, "coins:n=0"), Ok(()));
        assert!(world.validate().expect_err("out of range")[0].field.starts_with("world.mixture[1].world"));
        let mut typed = Typed::default();
        typed.put(&Part::Weight.field(1), "x");
        equal_weights(&mut world, &mut typed);
        assert!(typed.is_empty() && Part::Weight.text(&world, 1) == "1");
    }
}

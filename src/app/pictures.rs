//! Which picture of a world an answer is: by the number of the request, never by what the world is written as.

use crate::experiment::WorldSpec;

/// Where a picture goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The draft's world.
    World,
    /// The table of a process of one's own.
    Sketch,
}

/// The last request for each place.
#[derive(Default)]
pub struct Pictures {
    requests: u32,
    world: Option<(u32, WorldSpec)>,
    sketch: Option<(u32, WorldSpec)>,
}

impl Pictures {
    /// The number of a request for this world; none where the last one for the same place asked for the same.
    pub fn request(&mut self, place: Place, world: &WorldSpec) -> Option<u32> {
        self.requests += 1;
        let (number, last) = (
            self.requests,
            match place {
                Place::World => &mut self.world,
                Place::Sketch => &mut self.sketch,
            },
        );
        if last.as_ref().is_some_and(|(_, asked)| asked == world) {
            return None;
        }
        *last = Some((number, world.clone()));
        Some(number)
    }

    /// Where the answer to a request goes; nowhere, once there was a newer one.
    pub fn place(&self, number: u32) -> Option<Place> {
        let is = |last: &Option<(u32, WorldSpec)>| last.as_ref().is_some_and(|(asked, _)| *asked == number);
        match () {
            () if is(&self.world) => Some(Place::World),
            () if is(&self.sketch) => Some(Place::Sketch),
            () => None,
        }
    }

    /// Nothing that was asked for will be answered any more.
    pub fn forget(&mut self) {
        (self.world, self.sketch) = (None, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{Command, Event, FromEngine, NO_RUN, Picture, ToEngine, wire};

    /// All the way that a request and its answer take, as bytes.
    fn answered(pictures: &mut Pictures, place: Place, world: &WorldSpec) -> Option<Place> {
        let id = pictures.request(place, world)?;
        let command = Command::Picture { id, sketch: place == Place::Sketch, world: Box::new(world.clone()) };
        let asked = wire::decode::<ToEngine>(&wire::encode(&ToEngine { run: 1, command }));
        let Ok(ToEngine { command: Command::Picture { id, world, .. }, .. }) = asked else {
            panic!("not a request for a picture");
        };
        let event = Event::Picture(Picture { id, ..crate::picture::picture(&world) });
        match wire::decode(&wire::encode(&FromEngine { run: NO_RUN, event })) {
            Ok(FromEngine { event: Event::Picture(picture), .. }) => pictures.place(picture.id),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_world_of_any_number_of_digits_gets_its_own_picture() {
        // 17 digits are what a double may need, and 2 to 16 what people write.
        for digits in 2..=17 {
            for p in [1.0 / 3.0, 0.1 + 0.2, 2.0_f64.sqrt() - 1.0, 1.0 / 7.0] {
                let mut pictures = Pictures::default();
                let p = format!("{p:.digits$}");
                let q = format!("{:.digits$}", 1.0 - p.parse::<f64>().expect("a number"));
                let json = format!(r#"{{"tokens":["a","b"],"transitions":{{"a":[[{p}]],"b":[[{q}]]}}}}"#);
                let world = WorldSpec::from_json(&json).expect("a process");
                assert_eq!(answered(&mut pictures, Place::World, &world), Some(Place::World), "{json}");
                assert_eq!(answered(&mut pictures, Place::Sketch, &world), Some(Place::Sketch), "{json}");
                assert_eq!(answered(&mut pictures, Place::World, &world), None, "asked for once");
            }
        }
    }

    #[test]
    fn an_older_answer_goes_nowhere() {
        let (mut pictures, coin, even) =
            (Pictures::default(), "coin".parse().expect("a world"), "even".parse().expect("a world"));
        let first = pictures.request(Place::World, &coin).expect("a request");
        let second = pictures.request(Place::World, &even).expect("a request");
        let sketch = pictures.request(Place::Sketch, &even).expect("a request");
        assert_eq!([first, second, sketch].map(|n| pictures.place(n)), [None, Some(Place::World), Some(Place::Sketch)]);
        pictures.forget();
        assert_eq!(pictures.place(second), None);
        assert!(pictures.request(Place::World, &even).is_some(), "a fresh engine is asked again");
    }

    /// Texts of as many documents and characters were taken for the same world.
    #[test]
    fn worlds_that_read_alike_are_told_apart() {
        let text = |letters: &str| {
            let json = format!(r#"{{"text":{{"documents":[{{"name":"a","text":"{letters}"}}]}}}}"#);
            WorldSpec::from_json(&json).expect("a text")
        };
        let (one, other) = (text("abab"), text("cdcd"));
        assert_eq!(one.to_string(), other.to_string());
        let mut pictures = Pictures::default();
        assert!(pictures.request(Place::World, &one).is_some() && pictures.request(Place::World, &other).is_some());
    }
}

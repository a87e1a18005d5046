//! Things by number, where a number used again is told from its earlier use. Knows not what it holds.

/// A place and the count of its uses: a key of what was removed never finds what came after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key(u64);

impl Key {
    pub(super) fn number(self) -> u64 {
        self.0
    }

    pub(super) fn from_number(number: u64) -> Self {
        Self(number)
    }

    fn new(place: usize, uses: u32) -> Self {
        Self(u64::from(uses) << 32 | place as u64)
    }

    fn place(self) -> usize {
        (self.0 & 0xffff_ffff) as usize
    }
}

#[derive(Debug)]
pub(super) struct Slab<T> {
    places: Vec<(u32, Option<T>)>,
    free: Vec<usize>,
}

impl<T> Slab<T> {
    pub(super) fn new() -> Self {
        Self { places: Vec::new(), free: Vec::new() }
    }

    pub(super) fn insert(&mut self, thing: T) -> Key {
        let place = self.free.pop().unwrap_or_else(|| {
            self.places.push((0, None));
            self.places.len() - 1
        });
        let (uses, held) = &mut self.places[place];
        *held = Some(thing);
        Key::new(place, *uses)
    }

    pub(super) fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        let (uses, held) = self.places.get_mut(key.place())?;
        held.as_mut().filter(|_| Key::new(key.place(), *uses) == key)
    }

    pub(super) fn remove(&mut self, key: Key) -> Option<T> {
        self.get_mut(key)?;
        let (uses, held) = &mut self.places[key.place()];
        // Half the range: the other half of the numbers belongs to what is no connection.
        *uses = (*uses + 1) & 0x7fff_ffff;
        self.free.push(key.place());
        held.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_key_does_not_find_what_took_its_place() {
        let mut slab = Slab::new();
        let old = slab.insert("a");
        assert_eq!(slab.remove(old), Some("a"));
        let new = slab.insert("b");
        assert_eq!(slab.get_mut(old), None);
        assert_eq!(slab.remove(old), None);
        assert_eq!(slab.get_mut(new), Some(&mut "b"));
        assert_eq!(Key::from_number(new.number()), new);
    }
}

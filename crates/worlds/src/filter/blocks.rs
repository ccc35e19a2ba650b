//! A block of tokens that repeats to the end of the sequence: unknown, or one of K known ones.

use std::sync::Arc;

/// Any block of B tokens, all equally likely: uniform for B positions, certain ever after.
#[derive(Clone, Debug)]
pub struct RepeatedBlock {
    vocab: usize,
    block: usize,
    seen: Vec<u16>,
    t: usize,
}

impl RepeatedBlock {
    pub fn new(block: usize, vocab: usize) -> Self {
        Self { vocab, block, seen: Vec::with_capacity(block), t: 0 }
    }

    pub fn vocab(&self) -> usize {
        self.vocab
    }

    pub fn reset(&mut self) {
        self.seen.clear();
        self.t = 0;
    }

    pub fn predict(&self, out: &mut [f64]) {
        if self.seen.len() < self.block {
            out.fill(1.0 / self.vocab as f64);
        } else {
            out.fill(0.0);
            out[usize::from(self.seen[self.t % self.block])] = 1.0;
        }
    }

    pub fn observe(&mut self, token: u16) {
        if usize::from(token) >= self.vocab {
            self.reset();
        } else if self.seen.len() < self.block {
            self.seen.push(token);
            self.t += 1;
        } else if self.seen[self.t % self.block] == token {
            self.t += 1;
        } else {
            self.reset();
        }
    }
}

/// One of the given blocks, each equally likely beforehand.
#[derive(Clone, Debug)]
pub struct Blocks {
    vocab: usize,
    blocks: Vec<Arc<[u16]>>,
    /// Which blocks agree with all that was seen.
    alive: Vec<u32>,
    t: usize,
}

impl Blocks {
    pub fn new(vocab: usize, blocks: Vec<Arc<[u16]>>) -> Self {
        let alive = (0..blocks.len() as u32).collect();
        Self { vocab, blocks, alive, t: 0 }
    }

    pub fn vocab(&self) -> usize {
        self.vocab
    }

    pub fn reset(&mut self) {
        self.alive.clear();
        self.alive.extend(0..self.blocks.len() as u32);
        self.t = 0;
    }

    fn next(&self, block: u32) -> u16 {
        let block = &self.blocks[block as usize];
        block[self.t % block.len()]
    }

    pub fn predict(&self, out: &mut [f64]) {
        out.fill(0.0);
        let share = 1.0 / self.alive.len() as f64;
        for &block in &self.alive {
            out[usize::from(self.next(block))] += share;
        }
    }

    pub fn observe(&mut self, token: u16) {
        let mut alive = std::mem::take(&mut self.alive);
        alive.retain(|&block| self.next(block) == token);
        self.alive = alive;
        self.t += 1;
        if self.alive.is_empty() {
            self.reset();
        }
    }
}

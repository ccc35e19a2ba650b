//! The program of a GPU: a list of kernels on buffers, of sizes that are known beforehand. Knows no GPU.

use super::template::{Value, expand};

/// Invocations of a workgroup, in every kernel.
pub const WORKGROUP: usize = 64;
/// Most numbers in a buffer: WebGPU's least limit of a binding, 128 MiB.
const MOST_NUMBERS: usize = 1 << 25;
/// Most workgroups of a dispatch, by WebGPU's least limit.
const MOST_WORKGROUPS: usize = 65_535;

/// What a dispatch binds: the caller's buffers and the program's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Buffer {
    /// Parameters, flat.
    Flat,
    /// Parameters after the step.
    Next,
    Gradient,
    /// AdamW's moments.
    First,
    Second,
    /// What [`super::step::Batch::fill`] gives.
    Batch,
    /// What [`super::adamw::adamw_params`] gives.
    AdamWParams,
    /// Mean loss.
    Loss,
    /// Each cell's share of it.
    Losses,
    /// What is predicted at each cell.
    Distribution,
    /// One of [`Program::buffers`].
    Own(usize),
}

/// `len` words of a buffer from word `offset` on, or all of them.
#[derive(Clone, Copy, Debug)]
pub struct Binding {
    pub buffer: Buffer,
    pub offset: usize,
    pub len: Option<usize>,
}

/// One kernel run once.
#[derive(Clone, Debug)]
pub struct Dispatch {
    /// Index of [`Program::kernels`].
    pub kernel: usize,
    pub bindings: Vec<Binding>,
    pub workgroups: usize,
}

/// A kernel with its sizes filled in: WGSL with the entry point `main` and one group of bindings, in order from 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Kernel {
    pub name: &'static str,
    pub source: String,
}

/// What a buffer of the program holds from the start.
#[derive(Clone, Debug)]
pub enum Contents {
    /// So many zeros.
    Zeros(usize),
    Words(Vec<u32>),
}

/// Dispatches in order, with the kernels and buffers they share.
#[derive(Clone, Debug, Default)]
pub struct Program {
    pub kernels: Vec<Kernel>,
    pub buffers: Vec<Contents>,
    pub dispatches: Vec<Dispatch>,
}

impl Program {
    /// A buffer of zeros.
    pub fn zeros(&mut self, len: usize) -> Buffer {
        self.own(Contents::Zeros(len))
    }

    pub fn own(&mut self, contents: Contents) -> Buffer {
        self.buffers.push(contents);
        Buffer::Own(self.buffers.len() - 1)
    }

    /// Adds a dispatch of the kernel `text` (see [`expand`]), one invocation for each of `invocations`, rounded up.
    pub fn run(
        &mut self,
        name: &'static str,
        text: &str,
        consts: &[(&str, Value)],
        flags: &[&str],
        bindings: &[Binding],
        invocations: usize,
    ) {
        let kernel = Kernel { name, source: expand(text, consts, flags) };
        let kernel = self.kernels.iter().position(|k| *k == kernel).unwrap_or_else(|| {
            self.kernels.push(kernel);
            self.kernels.len() - 1
        });
        let workgroups = invocations.div_ceil(WORKGROUP);
        self.dispatches.push(Dispatch { kernel, bindings: bindings.to_vec(), workgroups });
    }

    /// Whether every WebGPU device allows buffers and dispatches of these sizes.
    pub fn fits(&self) -> bool {
        self.buffers.iter().all(|b| b.len() <= MOST_NUMBERS)
            && self.dispatches.iter().all(|d| d.workgroups <= MOST_WORKGROUPS)
    }
}

impl Contents {
    /// In words of 32 bits.
    fn len(&self) -> usize {
        match self {
            Self::Zeros(len) => *len,
            Self::Words(words) => words.len(),
        }
    }
}

pub fn whole(buffer: Buffer) -> Binding {
    Binding { buffer, offset: 0, len: None }
}

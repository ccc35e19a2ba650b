//! Runs the programs through burn's own queue, on tensors as they lie in its memory.

use std::{
    cell::RefCell,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use burn::{
    backend::{Cube, wgpu::CubeTensor},
    tensor::{Device, Tensor},
};
use cubecl::{
    client::Client,
    ir::{AddressType, ElemType, UIntKind, metadata::Info, settings::Dim3},
    prelude::{
        CubeCount, CubeKernel, ExecutionMode, KernelDefinition, KernelId, KernelMetadata, KernelSettings, Scope,
    },
    server::{Handle, KernelArguments},
};

use super::{
    adamw::{adamw, adamw_params},
    program::{Buffer, Contents, Dispatch, Kernel, Program},
    step::Step,
};
use crate::{
    experiment::{Net, Observation, Training},
    net::{fused::tensor, layout::Layout, optimizer::Moments},
    world::Rows,
};

/// A net on a GPU. Parameters are the GPU's tensors, flat, in the layout's order.
pub struct Passes {
    net: Net,
    observation: Observation,
    length: usize,
    batch: usize,
    layout: Layout,
    device: Device,
    /// For batches of so many sequences: those seen last, the newest first. `None` where the program is too large for WebGPU.
    ready: RefCell<Vec<(usize, Option<Ready>)>>,
}

struct Ready {
    launcher: Launcher,
    step: Step,
}

/// Sizes of batch that are kept ready: training's, and another to predict with.
const KEPT: usize = 2;
/// Cells of a pass over many sequences: a browser's dispatch costs as much as the arithmetic of some thousand.
const WIDE: usize = 8192;
/// Most sequences of such a pass.
const MOST: usize = 256;

impl Passes {
    /// For training on batches of `batch` sequences of `length`; `None` where `device` is not a GPU.
    pub fn new(
        net: &Net,
        observation: Observation,
        layout: &Layout,
        [batch, length]: [usize; 2],
        device: &Device,
    ) -> Option<Self> {
        on_gpu(device).then(|| Self {
            net: net.clone(),
            observation,
            length,
            batch,
            layout: layout.clone(),
            device: device.clone(),
            ready: RefCell::default(),
        })
    }

    /// Mean loss on `rows` and its flat gradient; `None` where a batch is too large for WebGPU.
    pub fn loss_and_gradient(&self, flat: &Tensor<1>, rows: &Rows) -> Option<(Tensor<1>, Tensor<1>)> {
        self.with(rows.len() / self.length, |Ready { launcher, step }| {
            let (loss, gradient) = (self.empty(1), self.empty(self.layout.len));
            let losses = self.empty(step.cells());
            launcher.run(
                step.gradient(),
                &[
                    (Buffer::Flat, memory(flat)?.handle),
                    (Buffer::Batch, launcher.words(&step.batch.fill(rows))),
                    (Buffer::Gradient, memory(&gradient)?.handle),
                    (Buffer::Losses, memory(&losses)?.handle),
                    (Buffer::Loss, memory(&loss)?.handle),
                ],
            );
            Some((loss, gradient))
        })
    }

    /// How many sequences are predicted at a time where there are `sequences`: training's batch, which has its kernels compiled, unless
    /// that takes many passes.
    pub fn wide(&self, sequences: usize) -> usize {
        let wide = (WIDE / self.length).clamp(1, MOST);
        if sequences <= 2 * self.batch || wide <= 2 * self.batch { self.batch } else { wide }
    }

    /// The predictive distribution of each cell, as `Network::forward` gives it: first [rows, T, outputs], then padding. `wide`: as many
    /// sequences at least as there are.
    pub fn predictions(&self, flat: &Tensor<1>, rows: &Rows, wide: usize) -> Option<Tensor<1>> {
        self.with(wide, |Ready { launcher, step }| {
            let distribution = self.empty(step.cells() * Net::outputs(self.observation));
            let given = [
                (Buffer::Flat, memory(flat)?.handle),
                (Buffer::Batch, launcher.words(&step.batch.fill(rows))),
                (Buffer::Distribution, memory(&distribution)?.handle),
            ];
            for dispatches in step.distribution() {
                launcher.run(dispatches, &given);
            }
            Some(distribution)
        })
    }

    /// ln p of each cell that is there, as a share of the mean over a pass's cells, with the other sign: first [rows, T], then padding.
    /// Times the second number it is ln p. `wide`: as many sequences at least as there are.
    pub fn log_likelihoods(&self, flat: &Tensor<1>, rows: &Rows, wide: usize) -> Option<(Tensor<1>, f32)> {
        self.with(wide, |Ready { launcher, step }| {
            let losses = self.empty(step.cells());
            let given = [
                (Buffer::Flat, memory(flat)?.handle),
                (Buffer::Batch, launcher.words(&step.batch.fill(rows))),
                (Buffer::Losses, memory(&losses)?.handle),
            ];
            launcher.run(step.losses(), &given);
            Some((losses, -(step.batch.cells() as f32)))
        })
    }

    /// What is ready for batches of so many sequences, or gets ready now.
    fn with<R>(&self, sequences: usize, run: impl FnOnce(&Ready) -> Option<R>) -> Option<R> {
        let mut kept = self.ready.borrow_mut();
        let ready = match kept.iter().position(|(of, _)| *of == sequences) {
            Some(found) => kept.remove(found),
            None => {
                // The oldest is given back first.
                kept.truncate(KEPT - 1);
                let step = Step::new(&self.net, &self.layout, self.observation, sequences, self.length);
                let with_launcher = |mut step: Step| {
                    let launcher = Launcher::new(&mut step.program, &self.device)?;
                    Some(Ready { launcher, step })
                };
                (sequences, step.and_then(with_launcher))
            }
        };
        kept.insert(0, ready);
        run(kept.first()?.1.as_ref()?)
    }

    fn empty(&self, len: usize) -> Tensor<1> {
        Tensor::empty([len], &self.device)
    }
}

/// The GPU's AdamW, which clips on the way.
pub struct AdamW {
    launcher: Launcher,
    program: Program,
    first: Tensor<1>,
    second: Tensor<1>,
    steps: i32,
}

impl AdamW {
    /// `None` where `device` is not a GPU.
    pub fn new(layout: &Layout, training: &Training, device: &Device) -> Option<Self> {
        let mut program = adamw(layout, training);
        let launcher = Launcher::new(&mut program, device)?;
        let zeros = || Tensor::zeros([layout.len], device);
        Some(Self { launcher, program, first: zeros(), second: zeros(), steps: 0 })
    }

    /// What it remembers: first and second moment, and steps taken.
    pub fn tensors(&self) -> (Tensor<1>, Tensor<1>, i32) {
        (self.first.clone(), self.second.clone(), self.steps)
    }

    /// Goes on from what another remembers.
    pub fn resume(&mut self, moments: Moments) {
        let device = self.first.device();
        (self.first, self.second) = (tensor(moments.first, &device), tensor(moments.second, &device));
        self.steps = moments.steps;
    }

    /// One step: `parameters` and `gradient` are flat and on the GPU; gives the new parameters.
    pub fn step(
        &mut self,
        parameters: Tensor<1>,
        gradient: Tensor<1>,
        learning_rate: f64,
        training: &Training,
    ) -> Tensor<1> {
        self.steps += 1;
        let next = Tensor::empty(parameters.dims(), &parameters.device());
        let words = self.launcher.words(&adamw_params(self.steps, learning_rate, training));
        let tensors = [
            (Buffer::Flat, &parameters),
            (Buffer::Gradient, &gradient),
            (Buffer::First, &self.first),
            (Buffer::Second, &self.second),
            (Buffer::Next, &next),
        ];
        let mut buffers: Vec<_> =
            tensors.iter().filter_map(|(buffer, tensor)| Some((*buffer, memory(tensor)?.handle))).collect();
        buffers.push((Buffer::AdamWParams, words));
        self.launcher.run(&self.program.dispatches, &buffers);
        next
    }
}

/// A program's kernels and buffers as the GPU takes them.
struct Launcher {
    client: Client,
    kernels: Vec<Shader>,
    buffers: Vec<Handle>,
}

impl Launcher {
    /// Takes them out of `program`.
    fn new(program: &mut Program, device: &Device) -> Option<Self> {
        let client = memory(&Tensor::zeros([1], device))?.client;
        let kernels = program.kernels.drain(..).map(Shader::new).collect();
        let buffers = program.buffers.drain(..).map(|contents| match contents {
            Contents::Zeros(len) => memory(&Tensor::zeros([len.max(1)], device)).map(|t| t.handle),
            Contents::Words(words) => Some(client.create_from_slice(&bytes(&words))),
        });
        let buffers = buffers.collect::<Option<_>>()?;
        Some(Self { client, kernels, buffers })
    }

    /// Words in the GPU's memory.
    fn words(&self, words: &[u32]) -> Handle {
        self.client.create_from_slice(&bytes(words))
    }

    /// Queues these dispatches. `given`: every buffer of the caller's that they name.
    fn run(&self, dispatches: &[Dispatch], given: &[(Buffer, Handle)]) {
        for dispatch in dispatches {
            let mut arguments = KernelArguments::new();
            for binding in &dispatch.bindings {
                let handle = match binding.buffer {
                    Buffer::Own(i) => self.buffers.get(i),
                    buffer => given.iter().find(|(name, _)| *name == buffer).map(|(_, handle)| handle),
                };
                let Some(handle) = handle else { continue };
                let mut handle = handle.clone().offset_start(4 * binding.offset as u64);
                if let Some(len) = binding.len {
                    let beyond = handle.size_in_used().saturating_sub(4 * len as u64);
                    handle = handle.offset_end(beyond);
                }
                arguments = arguments.with_buffer(handle.binding());
            }
            let count = CubeCount::Static(dispatch.workgroups as u32, 1, 1);
            self.client.launch(Box::new(self.kernels[dispatch.kernel].clone()), count, arguments);
        }
    }
}

/// A kernel as burn's runtime takes it.
#[derive(Clone)]
struct Shader {
    name: &'static str,
    source: Arc<str>,
    /// Of the source: compiled shaders are kept by name and this.
    hash: u64,
}

impl Shader {
    fn new(kernel: Kernel) -> Self {
        let mut hasher = DefaultHasher::new();
        kernel.source.hash(&mut hasher);
        Self { name: kernel.name, source: kernel.source.into(), hash: hasher.finish() }
    }
}

impl KernelMetadata for Shader {
    fn id(&self) -> KernelId {
        KernelId::new::<Self>().info((self.name, self.hash))
    }

    fn address_type(&self) -> ElemType {
        ElemType::UInt(UIntKind::U32)
    }
}

impl CubeKernel for Shader {
    /// Of a kernel that brings its source this is asked, and not used.
    fn define(&self) -> KernelDefinition {
        let settings = KernelSettings::new(Dim3::new_single(), ExecutionMode::Checked, AddressType::U32);
        KernelDefinition { body: Scope::root(settings.clone()), settings, info: Info::default() }
    }

    fn source(&self) -> Option<cubecl::PrecompiledSource> {
        Some(cubecl::PrecompiledSource {
            source: self.source.to_string(),
            entrypoint_name: "main".into(),
            lang: "wgsl",
        })
    }
}

/// Whether burn computes on a GPU there.
fn on_gpu(device: &Device) -> bool {
    *device != Device::flex()
}

/// A tensor as it lies in the GPU's memory; `None` for one that lies elsewhere.
fn memory(tensor: &Tensor<1>) -> Option<CubeTensor> {
    tensor.clone().try_into_primitive::<Cube>().ok()
}

fn bytes(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|w| w.to_le_bytes()).collect()
}

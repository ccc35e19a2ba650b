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
    adamw::{adamw, pace},
    program::{Buffer, Contents, Kernel, Program},
    step::{self, Batch},
};
use crate::{
    experiment::{Architecture, Net, Observation, Training},
    net::layout::Layout,
    world::Rows,
};

/// A transformer on a GPU: loss and gradient of batches. Parameters are the GPU's tensors, flat, in the layout's order.
pub struct Passes {
    net: Net,
    observation: Observation,
    length: usize,
    layout: Layout,
    device: Device,
    /// For batches of so many sequences: those seen last. `None` where the program is too large for WebGPU.
    ready: RefCell<Option<(usize, Option<Gradient>)>>,
}

struct Gradient {
    launcher: Launcher,
    batch: Batch,
}

impl Passes {
    /// For sequences of `length`; `None` where there are no kernels for such a net, or `device` is not a GPU.
    pub fn new(net: &Net, observation: Observation, layout: &Layout, length: usize, device: &Device) -> Option<Self> {
        (net.architecture == Architecture::Transformer && on_gpu(device)).then(|| Self {
            net: net.clone(),
            observation,
            length,
            layout: layout.clone(),
            device: device.clone(),
            ready: RefCell::new(None),
        })
    }

    /// Mean loss on `rows` and its flat gradient; `None` where a batch is too large for WebGPU.
    pub fn loss_and_gradient(&self, flat: &Tensor<1>, rows: &Rows) -> Option<(Tensor<1>, Tensor<1>)> {
        let sequences = rows.len() / self.length;
        let mut ready = self.ready.borrow_mut();
        if ready.as_ref().is_none_or(|(of, _)| *of != sequences) {
            // What there was is given back first.
            *ready = None;
            *ready = Some((sequences, self.prepare(sequences)));
        }
        let Gradient { launcher, batch } = ready.as_ref()?.1.as_ref()?;
        let (loss, gradient) = (Tensor::empty([1], &self.device), Tensor::empty([self.layout.len], &self.device));
        let words = launcher.words(&batch.fill(rows));
        launcher.run(&[
            (Buffer::Flat, memory(flat)?.handle),
            (Buffer::Batch, words),
            (Buffer::Gradient, memory(&gradient)?.handle),
            (Buffer::Loss, memory(&loss)?.handle),
        ]);
        Some((loss, gradient))
    }

    fn prepare(&self, sequences: usize) -> Option<Gradient> {
        let (program, batch) = step::gradient(&self.net, &self.layout, self.observation, sequences, self.length)?;
        Some(Gradient { launcher: Launcher::new(program, &self.device)?, batch })
    }
}

/// The GPU's AdamW, which clips on the way.
pub struct AdamW {
    launcher: Launcher,
    first: Tensor<1>,
    second: Tensor<1>,
    steps: i32,
}

impl AdamW {
    /// `None` where `device` is not a GPU.
    pub fn new(layout: &Layout, device: &Device) -> Option<Self> {
        let launcher = Launcher::new(adamw(layout), device)?;
        let zeros = || Tensor::zeros([layout.len], device);
        Some(Self { launcher, first: zeros(), second: zeros(), steps: 0 })
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
        let words = self.launcher.words(&pace(self.steps, learning_rate, training));
        let tensors = [
            (Buffer::Flat, &parameters),
            (Buffer::Gradient, &gradient),
            (Buffer::First, &self.first),
            (Buffer::Second, &self.second),
            (Buffer::Next, &next),
        ];
        let mut buffers: Vec<_> =
            tensors.iter().filter_map(|(buffer, tensor)| Some((*buffer, memory(tensor)?.handle))).collect();
        buffers.push((Buffer::Pace, words));
        self.launcher.run(&buffers);
        next
    }
}

/// A program with its buffers in the GPU's memory.
struct Launcher {
    client: Client,
    kernels: Vec<Shader>,
    buffers: Vec<Handle>,
    program: Program,
}

impl Launcher {
    fn new(mut program: Program, device: &Device) -> Option<Self> {
        let client = memory(&Tensor::zeros([1], device))?.client;
        let kernels = program.kernels.drain(..).map(Shader::new).collect();
        let buffers = program.buffers.drain(..).map(|contents| match contents {
            Contents::Zeros(len) => memory(&Tensor::zeros([len.max(1)], device)).map(|t| t.handle),
            Contents::Words(words) => Some(client.create_from_slice(&bytes(&words))),
        });
        let buffers = buffers.collect::<Option<_>>()?;
        Some(Self { client, kernels, buffers, program })
    }

    /// Words in the GPU's memory.
    fn words(&self, words: &[u32]) -> Handle {
        self.client.create_from_slice(&bytes(words))
    }

    /// Queues everything. `given`: every buffer of the caller's that the program names.
    fn run(&self, given: &[(Buffer, Handle)]) {
        for dispatch in &self.program.dispatches {
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

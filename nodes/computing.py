"""How a model's network computes: in which number type, with which code, and when it need not compute at all."""

from typing import Annotated, Literal

from annotated_types import Ge, Le

from diffusion.model_options import CompiledNetwork, ComputeType, ForeseenAnswers
from diffusion.values import Model
from graph.node import Help, Hint, node

Threshold = Annotated[
    float,
    Ge(0.0),
    Le(3.0),
    Hint(step=0.01),
    Help("By which share answers may have changed since the network was last asked. 0: it is asked each time."),
]
Start = Annotated[float, Ge(0.0), Le(1.0), Hint(step=0.01), Help("Before this part of sampling it is asked each time.")]
End = Annotated[float, Ge(0.0), Le(1.0), Hint(step=0.01), Help("Behind this part of sampling, too.")]
Verbose = Annotated[bool, Help("Say at the end how many questions were spared.")]


@node("ModelComputeDtype", category="advanced/model", title="ModelComputeDtype")
def set_compute_type(
    model: Model,
    dtype: Annotated[
        Literal["default", "fp32", "fp16", "bf16"], Help("'default': as `--precision` says for all models.")
    ],
) -> Model:
    """Let this model's network compute in a number type of its own, whatever other models compute in.

    Its weights are then in memory in that type; a copy in another one may be there beside them.
    """
    return model.with_option(ComputeType(None if dtype == "default" else dtype))


@node("TorchCompileModel", category="advanced/model", title="TorchCompileModel")
def compile_network(
    model: Model,
    backend: Annotated[
        Literal["inductor", "cudagraphs"],
        Help("'inductor' needs a C++ compiler, or Triton on a card; 'cudagraphs' needs a CUDA device."),
    ],
) -> Model:
    """Have torch.compile make code for this model's network: the first step takes minutes, the others less time.

    Its weights must fit into memory whole. What is missing for it is told before sampling begins.
    """
    return model.with_option(CompiledNetwork(backend))


@node("EasyCache", category="advanced/model", title="EasyCache")
def foresee_answers(
    model: Model,
    reuse_threshold: Threshold = 0.2,
    start_percent: Start = 0.15,
    end_percent: End = 0.95,
    verbose: Verbose = False,
) -> Model:
    """Spare the network where its answers to the prompts are foreseen to stay as they were (Zhou et al. 2025).

    Half as many questions are usual with 0.1; the picture changes the more, the higher the threshold is.
    """
    return model.with_option(ForeseenAnswers("network", reuse_threshold, start_percent, end_percent, verbose))


@node("LazyCache", category="advanced/model", title="LazyCache")
def foresee_guided_answers(
    model: Model,
    reuse_threshold: Threshold = 0.2,
    start_percent: Start = 0.15,
    end_percent: End = 0.95,
    verbose: Verbose = False,
) -> Model:
    """EasyCache for the guided answer as a whole: what guidance nodes ask besides is spared as well."""
    return model.with_option(ForeseenAnswers("guidance", reuse_threshold, start_percent, end_percent, verbose))

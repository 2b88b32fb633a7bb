"""Names people's files use: samplers, schedulers, model folders, in the order they are offered. Loads no torch."""

SAMPLERS: tuple[str, ...] = (
    "euler",
    "euler_cfg_pp",
    "euler_ancestral",
    "euler_ancestral_cfg_pp",
    "heun",
    "heunpp2",
    "dpm_2",
    "dpm_2_ancestral",
    "lms",
    "dpm_fast",
    "dpm_adaptive",
    "dpmpp_2s_ancestral",
    "dpmpp_2s_ancestral_cfg_pp",
    "dpmpp_sde",
    "dpmpp_sde_gpu",
    "dpmpp_2m",
    "dpmpp_2m_cfg_pp",
    "dpmpp_2m_sde",
    "dpmpp_2m_sde_gpu",
    "dpmpp_2m_sde_heun",
    "dpmpp_2m_sde_heun_gpu",
    "dpmpp_3m_sde",
    "dpmpp_3m_sde_gpu",
    "ddpm",
    "lcm",
    "ipndm",
    "ipndm_v",
    "deis",
    "res_multistep",
    "res_multistep_cfg_pp",
    "res_multistep_ancestral",
    "res_multistep_ancestral_cfg_pp",
    "gradient_estimation",
    "gradient_estimation_cfg_pp",
    "er_sde",
    "seeds_2",
    "seeds_3",
    "sa_solver",
    "sa_solver_pece",
    "ddim",
    "uni_pc",
    "uni_pc_bh2",
)

SCHEDULERS: tuple[str, ...] = (
    "simple",
    "sgm_uniform",
    "karras",
    "exponential",
    "ddim_uniform",
    "beta",
    "normal",
    "linear_quadratic",
    "kl_optimal",
)

FAMILIES: tuple[str, ...] = ("sd1", "sd2", "sdxl", "sdxl-refiner", "sd-x4-upscaler")
"""Families of models that are built in: those of `diffusion.families`."""

MODEL_FOLDERS: tuple[str, ...] = (
    "checkpoints",
    "vae",
    "vae_approx",
    "loras",
    "hypernetworks",
    "controlnet",
    "embeddings",
    "upscale_models",
    "text_encoders",
    "diffusion_models",
    "clip_vision",
    "style_models",
    "ipadapter",
    "photomaker",
    "diffusers",
    "depth",
    "pose",
    "detection",
    "sams",
)
"""Folders below every models folder; a model's name is its path inside one of them, with `/`."""

WEIGHT_SUFFIXES: tuple[str, ...] = (".safetensors", ".sft", ".ckpt", ".pt", ".pth", ".bin")
"""File endings offered as models. All but the first two are read through torch's `weights_only` unpickler."""

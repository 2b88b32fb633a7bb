"""The types that travel on links alone, by the names packs know them under."""

from typing import Any

from nodes.comfyui.shims.comfy_api.latest._ports import ComfyTypeIO, Custom, comfytype


@comfytype("LATENT")
class Latent(ComfyTypeIO):
    """Latents: a dictionary with `samples`."""

    LatentDict = dict[str, Any]
    Type = dict[str, Any]


@comfytype("CONDITIONING")
class Conditioning(ComfyTypeIO):
    """Encoded prompts: a list of pairs of a tensor and a dictionary."""

    CondList = list[Any]
    PooledDict = dict[str, Any]
    Type = list[Any]


AnyType = Custom("*")
Image = Custom("IMAGE")
Mask = Custom("MASK")
Sampler = Custom("SAMPLER")
Sigmas = Custom("SIGMAS")
Noise = Custom("NOISE")
Guider = Custom("GUIDER")
Clip = Custom("CLIP")
ControlNet = Custom("CONTROL_NET")
Vae = Custom("VAE")
Model = Custom("MODEL")
ModelPatch = Custom("MODEL_PATCH")
ClipVision = Custom("CLIP_VISION")
ClipVisionOutput = Custom("CLIP_VISION_OUTPUT")
StyleModel = Custom("STYLE_MODEL")
Gligen = Custom("GLIGEN")
UpscaleModel = Custom("UPSCALE_MODEL")
LatentUpscaleModel = Custom("LATENT_UPSCALE_MODEL")
Audio = Custom("AUDIO")
AudioEncoder = Custom("AUDIO_ENCODER")
AudioEncoderOutput = Custom("AUDIO_ENCODER_OUTPUT")
AudioRecord = Custom("AUDIO_RECORD")
Video = Custom("VIDEO")
Webcam = Custom("WEBCAM")
SVG = Custom("SVG")
LoraModel = Custom("LORA_MODEL")
LossMap = Custom("LOSS_MAP")
Voxel = Custom("VOXEL")
Mesh = Custom("MESH")
Hooks = Custom("HOOKS")
HookKeyframes = Custom("HOOK_KEYFRAMES")
TimestepsRange = Custom("TIMESTEPS_RANGE")
LatentOperation = Custom("LATENT_OPERATION")
FlowControl = Custom("FLOW_CONTROL")
Accumulation = Custom("ACCUMULATION")
Load3D = Custom("LOAD_3D")
Load3DAnimation = Custom("LOAD_3D_ANIMATION")
Load3DCamera = Custom("LOAD3D_CAMERA")
Photomaker = Custom("PHOTOMAKER")
Point = Custom("POINT")
FaceAnalysis = Custom("FACE_ANALYSIS")
BBOX = Custom("BBOX")
SEGS = Custom("SEGS")
WanCameraEmbedding = Custom("WAN_CAMERA_EMBEDDING")
Tracks = Custom("TRACKS")
ImageCompare = Custom("IMAGECOMPARE")
Color = Custom("COLOR")
BoundingBox = Custom("BOUNDING_BOX")

/** Takes a picture with the camera. The browser asks the person first. */
import { useEffect, useRef, useState } from "react";
import { t } from "../strings/t";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import css from "./CameraDialog.module.css";

interface CameraDialogProps {
  readonly onTaken: (picture: File) => void;
  readonly onClose: () => void;
}

export default function CameraDialog({ onTaken, onClose }: CameraDialogProps) {
  const video = useRef<HTMLVideoElement>(null);
  const [failure, setFailure] = useState("");
  const [isReady, setReady] = useState(false);

  useEffect(() => {
    let stream: MediaStream | null = null;
    let isClosed = false;
    const open = async (): Promise<void> => {
      try {
        const opened = await cameraStream();
        if (isClosed) return stop(opened);
        stream = opened;
        if (video.current) video.current.srcObject = opened;
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        setFailure(t("widgets.cameraNone", { reason }));
      }
    };
    void open();
    return () => {
      isClosed = true;
      if (stream) stop(stream);
    };
  }, []);

  const shoot = async (): Promise<void> => {
    const { current } = video;
    if (current) onTaken(await still(current));
  };

  return (
    <Dialog
      title={t("widgets.cameraTitle")}
      onClose={onClose}
      actions={
        <Button look="primary" disabled={!isReady} onClick={() => void shoot()}>
          {t("widgets.cameraTake")}
        </Button>
      }
    >
      {failure ? (
        <p role="alert">{failure}</p>
      ) : (
        <video
          ref={video}
          className={css.video}
          autoPlay
          playsInline
          muted
          onLoadedData={() => setReady(true)}
        />
      )}
    </Dialog>
  );
}

function cameraStream(): Promise<MediaStream> {
  // Browsers leave `mediaDevices` out of pages that came over plain http from another machine.
  const devices = navigator.mediaDevices as MediaDevices | undefined;
  if (!devices) throw new Error(t("widgets.cameraInsecure"));
  return devices.getUserMedia({ video: { width: { ideal: 1920 }, height: { ideal: 1080 } } });
}

function stop(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop();
}

async function still(video: HTMLVideoElement): Promise<File> {
  const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
  canvas.getContext("2d")?.drawImage(video, 0, 0);
  const blob = await canvas.convertToBlob({ type: "image/png" });
  return new File([blob], "camera.png", { type: "image/png" });
}

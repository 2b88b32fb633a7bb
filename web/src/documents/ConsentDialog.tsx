/** Asks whether a host may be asked for a file. */
import { t } from "../strings/t";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";

interface ConsentDialogProps {
  readonly question: string;
  readonly onAnswer: (isAllowed: boolean) => void;
}

export function ConsentDialog({ question, onAnswer }: ConsentDialogProps) {
  return (
    <Dialog
      title={t("documents.consent")}
      onClose={() => onAnswer(false)}
      actions={
        <>
          <Button onClick={() => onAnswer(false)}>{t("app.cancel")}</Button>
          <Button look="primary" onClick={() => onAnswer(true)}>
            {t("documents.consentYes")}
          </Button>
        </>
      }
    >
      <p>{question}</p>
    </Dialog>
  );
}

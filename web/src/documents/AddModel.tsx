/** Fetches a model by its address. Goes online only after a person said yes to the host. */
import { Download } from "lucide-react";
import { type FormEvent, useState } from "react";
import { useCatalogue } from "../state/catalogue";
import { t } from "../strings/t";
import { Button } from "../ui/Button";
import { SelectField, TextField } from "../ui/Field";
import css from "./AddModel.module.css";
import { fetchModel } from "./fetchModel";
import { modelFolders } from "./missing";

export function AddModel() {
  const [address, setAddress] = useState("");
  const [folder, setFolder] = useState("");
  const folders = modelFolders(useCatalogue());
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    const isBegun = await fetchModel({ source: address.trim(), folder });
    if (isBegun) setAddress("");
  };
  return (
    <form className={css.form} onSubmit={(event) => void submit(event)}>
      <TextField
        label={t("documents.address")}
        value={address}
        onChange={(event) => setAddress(event.target.value)}
      />
      <div className={css.line}>
        <SelectField
          label={t("documents.folder")}
          value={folder}
          options={[
            { value: "", label: t("documents.folderSeen") },
            ...folders.map((name) => ({ value: name, label: name })),
          ]}
          onChange={setFolder}
        />
        <Button type="submit" icon={<Download />} disabled={!address.trim()}>
          {t("documents.getIt")}
        </Button>
      </div>
    </form>
  );
}

import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import { NameField } from "../../src/interaction/NameField";

afterEach(cleanup);

test("the name is selected at once, and Enter takes another without spaces around it", () => {
  const onNamed = vi.fn();
  render(<NameField label="Name" name="sampler" onNamed={onNamed} />);
  const field = screen.getByLabelText<HTMLInputElement>("Name");
  expect([field.selectionStart, field.selectionEnd]).toEqual([0, 7]);
  fireEvent.change(field, { target: { value: " second pass " } });
  fireEvent.keyDown(field, { key: "Enter" });
  expect(onNamed).toHaveBeenCalledWith("second pass");
});

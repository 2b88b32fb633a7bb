export function startRunning(): void {}

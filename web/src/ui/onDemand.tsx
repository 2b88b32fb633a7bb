/**
 * A component whose file is loaded when it is first shown. React's `lazy` shows what was loaded up to 300 ms late, so that
 * places held for it do not flicker; where nothing is held, that is only slow.
 */
import { type ComponentType, useEffect, useState } from "react";

export function onDemand<P extends object>(
  load: () => Promise<{ readonly default: ComponentType<P> }>,
): ComponentType<P> {
  let loaded: ComponentType<P> | null = null;
  return function OnDemand(props: P) {
    const [Part, setPart] = useState(() => loaded);
    const [failure, setFailure] = useState<unknown>(null);
    useEffect(() => {
      if (Part) return;
      load().then(({ default: part }) => {
        loaded = part;
        setPart(() => part);
      }, setFailure);
    }, [Part]);
    if (failure) throw failure; // the boundary around says so
    return Part ? <Part {...props} /> : null;
  };
}

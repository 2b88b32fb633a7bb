import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { inputSpec } from "../../src/graph/catalogue";
import {
  compare,
  type Decimal,
  decimalOf,
  nearest,
  numberOf,
  plus,
  textOf,
  times,
} from "../../src/graph/decimal";
import { evaluate } from "../../src/graph/expression";
import { grouped, numberRules, settingOfNumber, within } from "../../src/graph/numberRules";
import { MEGAPIXEL, readSize, SHAPES, shapeOf, sizeFor } from "../../src/graph/sizes";
import { scrubbed, speedAt } from "../../src/widgets/useScrub";

const decimal = (value: unknown): Decimal => {
  const made = decimalOf(value);
  if (!made) throw new Error(`${value} is no number`);
  return made;
};

describe("decimals", () => {
  test("say every double as JavaScript does", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(numberOf(decimal(value))).toBe(value === 0 ? 0 : value);
      }),
    );
  });

  test("hold whole numbers of any size", () => {
    fc.assert(
      fc.property(fc.bigInt(), (value) => {
        expect(textOf(decimal(String(value)))).toBe(String(value));
      }),
    );
  });

  test("steps up and down again end where they began, without noise", () => {
    const amounts = fc.integer({ min: -10_000, max: 10_000 });
    fc.assert(
      fc.property(amounts, fc.nat(6), fc.integer({ min: 1, max: 50 }), (units, places, count) => {
        const step = decimal(`1e-${places}`);
        const start = times(step, BigInt(units));
        let value = start;
        for (let done = 0; done < count; done++) value = plus(value, step);
        expect(compare(value, plus(start, times(step, BigInt(count))))).toBe(0);
        expect(textOf(value)).not.toMatch(/0000000|9999999/);
        for (let done = 0; done < count; done++) value = plus(value, times(step, -1n));
        expect(textOf(value)).toBe(textOf(start));
      }),
    );
  });

  test("nearest gives a multiple at most half a step away", () => {
    const some = fc.integer({ min: -99_999, max: 99_999 });
    fc.assert(
      fc.property(some, fc.integer({ min: 1, max: 500 }), (value, step) => {
        const found = numberOf(nearest(decimal(value / 100), decimal(step / 100)));
        expect(Math.abs(found - value / 100)).toBeLessThanOrEqual(step / 200 + 1e-9);
        expect(Math.abs(Math.round((found * 100) / step) * step - found * 100)).toBeLessThan(1e-6);
      }),
    );
  });
});

describe("rules of numbers", () => {
  const seed = inputSpec("seed", "INT", { minimum: 0, maximum: Number("18446744073709551615") });

  test("the largest seed is one below what JSON made of it", () => {
    expect(textOf(within(decimal("99999999999999999999"), numberRules(seed)))).toBe(
      "18446744073709551615",
    );
  });

  test("numbers beyond 2^53 are kept as text, smaller ones as numbers", () => {
    expect(settingOfNumber(decimal("9007199254740992"))).toBe(9007199254740992);
    expect(settingOfNumber(decimal("9007199254740993"))).toBe("9007199254740993");
    expect(settingOfNumber(decimal("0.1"))).toBe(0.1);
  });

  test("whole inputs take the nearest whole number", () => {
    expect(textOf(within(decimal("2.5"), numberRules(inputSpec("n", "INT"))))).toBe("3");
  });

  test("groups of three digits from five digits on", () => {
    expect(grouped("1024")).toBe("1024");
    expect(grouped("918273645")).toBe("918\u2009273\u2009645");
    expect(grouped("-12345.678")).toBe("-12\u2009345.678");
  });
});

describe("sums", () => {
  test.each([
    ["1024*1.5", "1536"],
    ["sqrt(2)", "1.4142135623731"],
    ["0.1+0.2", "0.3"],
    ["-2^2", "-4"],
    ["2^3^2", "512"],
    ["(1 + 2) × 3 ÷ 4", "2.25"],
    ["min(3, 1, 2) + 7 % 4", "4"],
    ["1e3", "1000"],
    ["18446744073709551615 - 1", "18446744073709551614"],
    ["918\u2009273", "918273"],
  ])("%s is %s", (text, result) => {
    const value = evaluate(text);
    expect(value && textOf(value)).toBe(
      text === "sqrt(2)" ? textOf(decimal(Number(Math.SQRT2.toPrecision(15)))) : result,
    );
  });

  test("go on from what is there", () => {
    expect(evaluate("*2", decimal(21))).toEqual(decimal(42));
    expect(evaluate("+= 5", decimal(1))).toEqual(decimal(6));
    expect(evaluate("/2 + 1", decimal(8))).toEqual(decimal(5));
    expect(evaluate("-5", decimal(8))).toEqual(decimal(-5));
    expect(evaluate("*2")).toBeNull();
  });

  test.each([
    "",
    "abc",
    "1 +",
    "(1",
    "1/0",
    "sqrt(-1)",
    "2 3",
    "alert(1)",
    "constructor(1)",
    "1;2",
  ])("%s is none", (text) => {
    expect(evaluate(text)).toBeNull();
  });

  test("agree with arithmetic", () => {
    const whole = fc.integer({ min: -1000, max: 1000 });
    fc.assert(
      fc.property(whole, whole, whole, (a, b, c) => {
        const value = evaluate(`(${a}) * ((${b}) + (${c})) - (${a})`);
        expect(value && numberOf(value)).toBe(a * (b + c) - a + 0);
      }),
    );
  });
});

describe("sizes", () => {
  test("16:9@1MP is 1368 × 768", () => {
    const read = readSize("16:9@1MP");
    expect(read && sizeFor(read.shape, read.pixels, 8)).toEqual({ width: 1368, height: 768 });
    expect(readSize("16:9")?.pixels).toBe(MEGAPIXEL);
    expect(readSize("16")).toBeNull();
    expect(readSize("0:9")).toBeNull();
  });

  test("sides are multiples, and the shape is found again", () => {
    const area = fc.integer({ min: 200_000, max: 8_000_000 });
    fc.assert(
      fc.property(fc.constantFrom(...SHAPES), area, fc.constantFrom(8, 64), (shape, pixels, by) => {
        const size = sizeFor(shape, pixels, by);
        expect(size.width % by).toBe(0);
        expect(size.height % by).toBe(0);
        expect(shapeOf({ width: 1024, height: 1024 }, by)).toEqual({ width: 1, height: 1 });
      }),
    );
  });
});

describe("scrubbing", () => {
  const cfg = numberRules(inputSpec("cfg", "FLOAT", { hints: { step: 0.1 } }));
  const plain = { fine: false, snap: false };

  test("moves by whole steps, and a tenth of them with Shift", () => {
    expect(textOf(scrubbed(decimal("6.55"), 60, cfg, plain))).toBe("7.55");
    expect(textOf(scrubbed(decimal("6.5"), 60, cfg, { fine: true, snap: false }))).toBe("6.6");
    expect(textOf(scrubbed(decimal("6.55"), 60, cfg, { fine: false, snap: true }))).toBe("7.6");
  });

  test("a whole number stays whole with Shift: it takes longer", () => {
    const steps = numberRules(inputSpec("steps", "INT"));
    expect(textOf(scrubbed(decimal(20), 60, steps, { fine: true, snap: false }))).toBe("21");
  });

  test("above where it began it is faster, below finer", () => {
    expect(speedAt(0)).toBe(1);
    expect(speedAt(80)).toBe(2);
    expect(speedAt(-80)).toBe(0.5);
    expect(speedAt(10_000)).toBe(16);
  });
});

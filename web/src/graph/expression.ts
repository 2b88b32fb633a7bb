/** Small sums typed into number fields: "1024*1.5", "sqrt(2)", "*2" of what is there. */
import { type Decimal, decimalOf, numberOf, plus, times } from "./decimal";

type Token = string;

const TOKEN =
  /\s*(?:(\d[\d_]*\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)|([a-z]\w*)|(\*\*|[-+*/%^(),×÷−]))/giy;

const SAME: Readonly<Record<string, string>> = { "×": "*", "÷": "/", "−": "-", "**": "^" };

const FUNCTIONS: Readonly<Record<string, (...values: number[]) => number>> = {
  sqrt: Math.sqrt,
  abs: Math.abs,
  round: Math.round,
  floor: Math.floor,
  ceil: Math.ceil,
  min: Math.min,
  max: Math.max,
  log: Math.log,
  log2: Math.log2,
  exp: Math.exp,
  sin: Math.sin,
  cos: Math.cos,
};

const CONSTANTS: Readonly<Record<string, number>> = { pi: Math.PI, e: Math.E };

/**
 * What the text comes to; null where it is no number and no sum, or comes to none. Sums and products are exact. A text
 * that begins with an operator other than a sign (or with `+=`, `-=`) goes on from `current`.
 */
export function evaluate(text: string, current: Decimal | null = null): Decimal | null {
  const plain = text.replace(/[\u2009\u202f\u00a0]/g, "").trim();
  const relative = /^([-+*/^])=|^(?=[*/^×÷])/.exec(plain);
  if (relative && !current) return null;
  const tokens = tokensOf(plain.slice(relative?.[0].length ?? 0));
  if (!tokens || tokens.length === 0) return null;
  const parser = new Parser(tokens);
  try {
    if (!relative || !current) return parser.whole();
    return parser.goOn(current, relative[1] ?? null);
  } catch (error) {
    if (error instanceof NoSum) return null;
    throw error;
  }
}

function tokensOf(text: string): readonly Token[] | null {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  let end = 0;
  for (let match = TOKEN.exec(text); match; match = TOKEN.exec(text)) {
    const token = (match[1]?.replaceAll("_", "") ?? match[2] ?? match[3] ?? "").toLowerCase();
    tokens.push(SAME[token] ?? token);
    end = TOKEN.lastIndex;
  }
  return text.slice(end).trim() === "" ? tokens : null;
}

class NoSum extends Error {}

/** Recursive descent; `^` binds tighter than a sign before it, and to the right. */
class Parser {
  private place = 0;

  constructor(private readonly tokens: readonly Token[]) {}

  whole(): Decimal {
    return this.ended(this.sum());
  }

  /** sign: the operator of "+= 5"; null: the text itself begins with it. */
  goOn(current: Decimal, sign: string | null): Decimal {
    if (sign) return combined(current, sign, this.whole());
    const operator = this.next();
    return this.ended(this.sumFrom(this.productFrom(combined(current, operator, this.factor()))));
  }

  private ended(value: Decimal): Decimal {
    if (this.place < this.tokens.length) throw new NoSum();
    return value;
  }

  private sum(): Decimal {
    return this.sumFrom(this.product());
  }

  private sumFrom(first: Decimal): Decimal {
    let value = first;
    while (this.peek() === "+" || this.peek() === "-")
      value = combined(value, this.next(), this.product());
    return value;
  }

  private product(): Decimal {
    return this.productFrom(this.factor());
  }

  private productFrom(first: Decimal): Decimal {
    let value = first;
    while (this.peek() === "*" || this.peek() === "/" || this.peek() === "%")
      value = combined(value, this.next(), this.factor());
    return value;
  }

  private factor(): Decimal {
    if (this.take("-")) return times(this.factor(), -1n);
    if (this.take("+")) return this.factor();
    const base = this.atom();
    return this.take("^") ? combined(base, "^", this.factor()) : base;
  }

  private atom(): Decimal {
    const token = this.next();
    if (token === "(") {
      const value = this.sum();
      this.expect(")");
      return value;
    }
    if (/^[a-z]/.test(token)) return this.named(token);
    const number = decimalOf(token);
    if (!number) throw new NoSum();
    return number;
  }

  private named(name: string): Decimal {
    if (!this.take("(")) return rounded(own(CONSTANTS, name));
    const values = [this.sum()];
    while (this.take(",")) values.push(this.sum());
    this.expect(")");
    return rounded(own(FUNCTIONS, name)(...values.map(numberOf)));
  }

  private peek(): Token | undefined {
    return this.tokens[this.place];
  }

  private next(): Token {
    const token = this.tokens[this.place++];
    if (token === undefined) throw new NoSum();
    return token;
  }

  private take(token: Token): boolean {
    if (this.peek() !== token) return false;
    this.place++;
    return true;
  }

  private expect(token: Token): void {
    if (!this.take(token)) throw new NoSum();
  }
}

function own<T>(table: Readonly<Record<string, T>>, name: string): T {
  const found = Object.hasOwn(table, name) ? table[name] : undefined;
  if (found === undefined) throw new NoSum();
  return found;
}

function combined(a: Decimal, operator: string, b: Decimal): Decimal {
  switch (operator) {
    case "+":
      return plus(a, b);
    case "-":
      return plus(a, times(b, -1n));
    case "*":
      return times(a, b);
    case "/":
      return rounded(numberOf(a) / numberOf(b));
    case "%":
      return rounded(numberOf(a) % numberOf(b));
    case "^":
      return rounded(numberOf(a) ** numberOf(b));
    default:
      throw new NoSum();
  }
}

/** A computed number without the noise of its last digits. */
function rounded(value: number): Decimal {
  const decimal = Number.isFinite(value) ? decimalOf(Number(value.toPrecision(15))) : null;
  if (!decimal) throw new NoSum();
  return decimal;
}

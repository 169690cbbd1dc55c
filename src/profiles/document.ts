/** YAML text as plain data with a position for every value. */
import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type Scalar,
  visit,
} from 'yaml';

/** 1-based. */
export interface Position {
  line: number;
  column: number;
}

/** Something wrong in a file, and where. */
export interface Problem {
  message: string;
  position?: Position;
}

/** A document that could be read: its data, and where its parts stand. */
export interface Located {
  data: unknown;
  document: Document;
  /** Where the value of a path begins. */
  valueAt(path: readonly PropertyKey[]): Position | undefined;
  /** Where the last key of a path begins. */
  keyAt(path: readonly PropertyKey[]): Position | undefined;
}

/**
 * Reads YAML. Every scalar is text, since `0-7`, `08` and `1e3` are values of systemd and not of
 * YAML. Anchors are refused: a profile has no use for them, and a few can unfold into gigabytes.
 */
export function readDocument(source: string): Located | { problems: Problem[] } {
  const control = /[^\P{Cc}\t\n\r]/u.exec(source);
  const counter = new LineCounter();
  const at = (offset: number): Position => {
    const { line, col } = counter.linePos(offset);
    return { line, column: col };
  };
  try {
    const document = parseDocument(source, {
      schema: 'failsafe',
      lineCounter: counter,
      prettyErrors: false,
      stringKeys: true,
      logLevel: 'error',
    });
    const problems = troubles(document, control?.index).map(({ message, offset }) => ({
      message,
      ...(offset === undefined ? {} : { position: at(offset) }),
    }));
    if (problems.length > 0) return { problems };
    return {
      data: document.toJS({ maxAliasCount: 0 }),
      document,
      valueAt: (path) => offsetOf(document, path, 'value', at),
      keyAt: (path) => offsetOf(document, path, 'key', at),
    };
  } catch (error) {
    // A text nested a hundred thousand levels deep exhausts the parser's stack.
    return { problems: [{ message: `cannot be read as YAML: ${(error as Error).message}` }] };
  }
}

interface Trouble {
  message: string;
  offset?: number;
}

function troubles(document: Document, control: number | undefined): Trouble[] {
  const found: Trouble[] = [...document.errors, ...document.warnings].map(
    ({ code, message, pos }) => ({ message: wording(code, message), offset: pos[0] }),
  );
  if (control !== undefined) {
    found.unshift({ message: 'there is a control character here', offset: control });
  }
  visit(document, {
    Pair: (_, { key }) => {
      // It would name the prototype of a JavaScript object, and vanish without a word.
      if (isScalar(key) && key.value === '__proto__') {
        const message = 'there is no key "__proto__" here';
        found.push({ message, ...(key.range ? { offset: key.range[0] } : {}) });
      }
    },
    Node: (_, node) => {
      const message =
        isAlias(node) || node.anchor !== undefined
          ? 'anchors and aliases are not taken here: use extends'
          : node.tag === undefined
            ? undefined
            : 'tags (!) are not taken here';
      if (message !== undefined) {
        found.push({ message, ...(node.range ? { offset: node.range[0] } : {}) });
      }
    },
  });
  return found;
}

/** The parser's codes whose own message says less than it could. */
function wording(code: string, message: string): string {
  switch (code) {
    case 'DUPLICATE_KEY':
      return 'this key stands here for the second time';
    case 'MULTIPLE_DOCS':
      return 'a second document begins here (---): one file is one document';
    case 'TAG_RESOLVE_FAILED':
      return 'tags (!) are not taken here';
    case 'TAB_AS_INDENT':
      return 'YAML is indented with blanks, not with tabs';
    default:
      return message;
  }
}

function offsetOf(
  document: Document,
  path: readonly PropertyKey[],
  part: 'key' | 'value',
  at: (offset: number) => Position,
): Position | undefined {
  let node: unknown = document.contents;
  let found = rangeStart(node);
  for (const step of path) {
    const next = childOf(node, step);
    if (next === undefined) break;
    found = (part === 'key' ? rangeStart(next.key) : undefined) ?? rangeStart(next.value) ?? found;
    node = next.value;
  }
  return found === undefined ? undefined : at(found);
}

function childOf(node: unknown, step: PropertyKey): { key?: unknown; value: unknown } | undefined {
  if (isMap(node)) {
    const pair = (node.items as Pair<Node, Node | null>[]).find(
      ({ key }) => isScalar(key) && String((key as Scalar).value) === String(step),
    );
    return pair && { key: pair.key, value: pair.value };
  }
  if (isNode(node) && 'items' in node && typeof step === 'number') {
    return { value: node.items[step] };
  }
  return undefined;
}

function rangeStart(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined;
}

import { describe, expect, it } from 'vitest';
import { Screen } from '../../../src/cli/screen.js';

function terminal(columns = 20, rows = 5) {
  const writes: string[] = [];
  const stream = { columns, rows, write: (text: string) => writes.push(text) };
  return { stream, writes, screen: new Screen(stream) };
}

describe('Screen', () => {
  it('draws each frame over the last one, in one write', () => {
    const { screen, writes } = terminal();
    screen.draw(['one', '\u001b[31mtwo\u001b[39m']);
    screen.draw(['three']);
    expect(writes).toEqual([
      '\u001b[?25l\rone\u001b[K\n\u001b[31mtwo\u001b[39m\u001b[K\n\u001b[J',
      '\r\u001b[2Athree\u001b[K\n\u001b[J',
    ]);
  });

  it('goes up over lines that a narrower terminal has wrapped', () => {
    const { screen, stream, writes } = terminal();
    screen.draw(['x'.repeat(15), '', 'y']);
    stream.columns = 10;
    screen.draw(['z']);
    expect(writes[1]).toBe('\r\u001b[4Az\u001b[K\n\u001b[J');
  });

  it('shows the cursor again, once, and begins a new frame afterwards', () => {
    const { screen, writes } = terminal();
    screen.leave();
    expect(writes).toEqual([]);
    screen.draw(['one']);
    screen.leave();
    screen.leave();
    screen.draw(['two']);
    expect(writes.slice(1)).toEqual(['\u001b[?25h', '\u001b[?25l\rtwo\u001b[K\n\u001b[J']);
  });

  it('takes 80 × 24 where the terminal does not tell', () => {
    expect(terminal(0, 0).screen.size).toEqual({ columns: 80, rows: 24 });
  });
});

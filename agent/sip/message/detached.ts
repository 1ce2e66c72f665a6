/** A text that is kept long after its message: V8 lets a part of a text hold on to the whole of it, so what stays is copied. */

/** The same text without the one that it was cut out of. Up to 12 characters are always copied by V8. */
export function detached(text: string): string {
  return text.length < 13 ? text : Buffer.from(text, 'utf8').toString('utf8')
}

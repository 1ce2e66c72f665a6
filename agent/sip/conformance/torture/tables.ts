/** The messages of RFC 4475 and RFC 5118 in the order of their sections, one row each. It sends nothing. */
import { INVALID } from './invalid.ts'
import { IPV6 } from './ipv6.ts'
import type { TortureRow } from './row.ts'
import { SEMANTICS } from './semantics.ts'
import { VALID } from './valid.ts'

export const RFC_4475: readonly TortureRow[] = [...VALID, ...INVALID, ...SEMANTICS]
export const RFC_5118: readonly TortureRow[] = IPV6

/** The table of commands: adding one is a file and a line here. */
import type { Command } from '../command.ts'
import { agent } from './agent.ts'
import { call } from './call.ts'
import { demo } from './demo.ts'
import { get } from './get.ts'
import { respond } from './respond.ts'
import { serve } from './serve.ts'
import { trace } from './trace.ts'
import { validate } from './validate.ts'

export const commands: readonly Command[] = [call, serve, respond, demo, validate, get, trace, agent]

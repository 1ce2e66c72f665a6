/** The keys of the operator's configuration file as a JSON Schema, for the chart and for the reference. */
import { z } from 'zod'
import { OperatorConfig, fromEnvironment } from './config.ts'

export type Schema = z.core.JSONSchema.BaseSchema
export type Properties = NonNullable<Schema['properties']>

/** As it is written, defaults not applied: draft 7, which Helm reads. */
export function configSchema(): Schema & { properties: Properties } {
  const { properties = {} } = z.toJSONSchema(OperatorConfig, {
    io: 'input',
    target: 'draft-7',
    override: ({ jsonSchema }) => {
      // What only means something to a custom resource definition.
      for (const keyword of Object.keys(jsonSchema)) if (keyword.startsWith('x-')) delete jsonSchema[keyword]
    },
  })
  const inFile = Object.entries(properties).filter(([key]) => !(key in fromEnvironment))
  return { type: 'object', additionalProperties: false, properties: Object.fromEntries(inFile) }
}

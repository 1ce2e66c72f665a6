/** Identities and status of local mode's objects, and the count of starts. On Kubernetes the API server keeps these. */
import { randomUUID } from 'node:crypto'
import type { Kysely } from 'kysely'
import type { ObjectStore } from './history.ts'
import type { Tables } from './tables.ts'

export function createObjectStore(database: Kysely<Tables>): ObjectStore {
  return {
    async identify({ kind, namespace, name, specHash }) {
      // Every expression of an update sees the row as it was, so the two hashes are the old and the new one.
      return database
        .insertInto('objects')
        .values({ kind, namespace, name, uid: randomUUID(), generation: 1, spec_hash: specHash, status: null })
        .onConflict((conflict) =>
          conflict.columns(['kind', 'namespace', 'name']).doUpdateSet((row) => ({
            generation: row
              .case()
              .when('objects.spec_hash', '=', row.ref('excluded.spec_hash'))
              .then(row.ref('objects.generation'))
              .else(row('objects.generation', '+', 1))
              .end(),
            spec_hash: row.ref('excluded.spec_hash'),
          })),
        )
        .returning(['uid', 'generation'])
        .executeTakeFirstOrThrow()
    },

    async status({ kind, namespace, name }) {
      const row = await database
        .selectFrom('objects')
        .select('status')
        .where('kind', '=', kind)
        .where('namespace', '=', namespace)
        .where('name', '=', name)
        .executeTakeFirst()
      return row?.status ? JSON.parse(row.status) : undefined
    },

    async writeStatus({ kind, namespace, name }, status) {
      const { numUpdatedRows } = await database
        .updateTable('objects')
        .set({ status: JSON.stringify(status) })
        .where('kind', '=', kind)
        .where('namespace', '=', namespace)
        .where('name', '=', name)
        .executeTakeFirstOrThrow()
      if (numUpdatedRows === 0n) throw new Error(`${kind} ${namespace}/${name} has no identity yet: identify it first`)
    },

    async statuses() {
      const rows = await database
        .selectFrom('objects')
        .select(['kind', 'namespace', 'name', 'status'])
        .orderBy('kind')
        .orderBy('namespace')
        .orderBy('name')
        .execute()
      return rows.flatMap(({ kind, namespace, name, status }) =>
        status === null ? [] : [{ kind, namespace, name, status: JSON.parse(status) }],
      )
    },

    async nextEpoch() {
      const { value } = await database
        .insertInto('counters')
        .values({ name: 'epoch', value: 1 })
        .onConflict((conflict) =>
          conflict.column('name').doUpdateSet((row) => ({ value: row('counters.value', '+', 1) })),
        )
        .returning('value')
        .executeTakeFirstOrThrow()
      return value
    },
  }
}

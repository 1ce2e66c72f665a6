import { outboxSuite } from './outbox.fixture.ts'
import { sqliteStore } from './test-store.ts'

outboxSuite(sqliteStore)

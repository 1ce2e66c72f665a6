import { historySuite } from './history.fixture.ts'
import { sqliteStore } from './test-store.ts'

historySuite(sqliteStore)

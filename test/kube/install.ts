/** Makes a machine ready for tests with a cluster: builds the programs that are missing, once; Debian packages are those of the lab. */
import requirements from '../lab/requirements.ts'
import { installPrograms } from './binaries.ts'

/** Vitest's global setup of the projects that need a cluster. */
export default async function setup(): Promise<void> {
  requirements()
  await installPrograms((line) => process.stdout.write(`${line}\n`))
}

if (import.meta.main) await setup()

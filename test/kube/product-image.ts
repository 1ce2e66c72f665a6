/** The product's image as an OCI archive: the files of image/files.ts with what the Dockerfile says of them, made without Docker. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { writeImageFiles } from '../../image/files.ts'
import { temporaryFolder } from '../lab/process.ts'
import { writeImage } from './image.ts'

/** For pods of tests, with `imagePullPolicy: Never`. */
export const PRODUCT_IMAGE = 'localhost/ringcheck:test'

const DOCKERFILE = join(import.meta.dirname, '../../Dockerfile')

export function writeProductImage(path: string): void {
  using work = temporaryFolder('product')
  const root = join(work.path, 'root')
  writeImageFiles(root)
  writeImage(path, { name: PRODUCT_IMAGE, layers: [root], config: configuration() })
}

function configuration() {
  const text = readFileSync(DOCKERFILE, 'utf8')
  const instruction = (name: string) => {
    const value = new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1]
    if (value === undefined) throw new Error(`Dockerfile: ${name} is missing`)
    return value
  }
  return {
    Env: instruction('ENV').split(' '),
    WorkingDir: /^WORKDIR (\/app)$/m.exec(text)?.[1],
    User: instruction('USER'),
    Entrypoint: z.array(z.string()).parse(JSON.parse(instruction('ENTRYPOINT'))),
  }
}

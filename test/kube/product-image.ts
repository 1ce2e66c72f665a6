/** The product's image as an OCI archive: the files of image/files.ts with what the Dockerfile says of them, made without Docker. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { writeImageFiles } from '../../image/files.ts'
import { temporaryFolder } from '../lab/process.ts'
import { writeImage } from './image.ts'

/** For pods of tests, with `imagePullPolicy: Never`. */
export const PRODUCT_IMAGE = 'localhost/ringcheck:test'

const [repository = '', tag = ''] = PRODUCT_IMAGE.split(/:(?=[^:]*$)/)
/** The same as values of the chart. */
export const IMAGE_VALUES = `image.repository=${repository},image.tag=${tag},image.pullPolicy=Never`

const DOCKERFILE = join(import.meta.dirname, '../../Dockerfile')

/** @param authority PEM that is trusted beside the public ones, in a layer of its own, as in the image that a company makes of ours */
export function writeProductImage(path: string, authority?: string): void {
  using work = temporaryFolder('product')
  const root = join(work.path, 'root')
  writeImageFiles(root)
  const config = configuration()
  if (authority === undefined) return writeImage(path, { name: PRODUCT_IMAGE, layers: [root], config })
  const own = join(work.path, 'own')
  mkdirSync(own)
  writeFileSync(join(own, 'authority.crt'), authority)
  const Env = [...config.Env, 'NODE_EXTRA_CA_CERTS=/authority.crt']
  writeImage(path, { name: PRODUCT_IMAGE, layers: [root, own], config: { ...config, Env } })
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

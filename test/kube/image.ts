/** Container images without a container engine: OCI archives of folders, as `ctr images import` and `kind load` read them. It pushes and pulls nothing. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '../lab/process.ts'

/** What is run as, in every image of ours; a user that no machine has. */
export const USER = '65532:65532'
/** The name's first part is no registry: nobody tries to pull it. */
export const PAUSE_IMAGE = 'localhost/pause:1'

export interface Image {
  readonly name: string
  /** Folders, the lowest first; each becomes a layer. */
  readonly layers: readonly string[]
  /** OCI image configuration, its `config`. */
  readonly config: Readonly<Record<string, unknown>>
}

/** Writes the archive to `path`. The same folders give the same digests. */
export function writeImage(path: string, { name, layers, config }: Image): void {
  using work = temporaryFolder('image')
  const blobs = join(work.path, 'archive/blobs/sha256')
  mkdirSync(blobs, { recursive: true })
  const blob = (mediaType: string, data: Buffer) => {
    const digest = createHash('sha256').update(data).digest('hex')
    writeFileSync(join(blobs, digest), data)
    return { mediaType: `application/vnd.oci.image.${mediaType}`, digest: `sha256:${digest}`, size: data.length }
  }
  const json = (value: unknown) => Buffer.from(JSON.stringify(value))

  const written = layers.map((folder, index) => {
    const layer = join(work.path, `${index}.tar`)
    archive(layer, folder)
    return blob('layer.v1.tar', readFileSync(layer))
  })
  const rootfs = { type: 'layers', diff_ids: written.map(({ digest }) => digest) }
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch
  const image = blob('config.v1+json', json({ architecture, os: 'linux', config, rootfs }))
  const mediaType = 'application/vnd.oci.image.manifest.v1+json'
  const manifest = blob('manifest.v1+json', json({ schemaVersion: 2, mediaType, config: image, layers: written }))
  const annotations = { 'io.containerd.image.name': name, 'org.opencontainers.image.ref.name': name.split(':').at(-1) }
  const folder = join(work.path, 'archive')
  writeFileSync(join(folder, 'index.json'), json({ schemaVersion: 2, manifests: [{ ...manifest, annotations }] }))
  writeFileSync(join(folder, 'oci-layout'), json({ imageLayoutVersion: '1.0.0' }))
  archive(path, folder)
}

/** Without owners and dates: nothing of the machine that made it is in it. */
function archive(path: string, folder: string): void {
  const plain = ['--format=gnu', '--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner']
  execFileSync('tar', [...plain, '--mode=go+rX,go-w', '-cf', path, '-C', folder, '.'])
}

/** What holds the network of a pod while its containers come and go: a static busybox, asleep. */
export function writePauseImage(path: string): void {
  using work = temporaryFolder('pause')
  const program = join(work.path, 'busybox')
  copyFileSync('/bin/busybox', program)
  chmodSync(program, 0o755)
  const config = { Entrypoint: ['/busybox', 'sleep', '2147483647'], User: USER }
  writeImage(path, { name: PAUSE_IMAGE, layers: [work.path], config })
}

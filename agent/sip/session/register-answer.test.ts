import { describe, expect, test } from 'vitest'
import { Headers } from '../message/headers.ts'
import { instanceOf } from '../message/instance.ts'
import { readGrant } from './register-answer.ts'

const headers = (...fields: ReadonlyArray<readonly [string, string]>): Headers => {
  const all = new Headers()
  for (const [name, value] of fields) all.add(name, value)
  return all
}
const contacts = (...values: string[]): Headers =>
  headers(['Expires', '77'], ...values.map((value) => ['Contact', value] as const))

const own = { contact: 'sip:a%2Db@192.0.2.1:5070;transport=tcp', instance: undefined }
const desk = '<sip:a-b@192.0.2.9:5060>;expires=7'

describe('the time that a registrar grants', () => {
  test.each([
    ['at our contact, among others', ['<sip:a%2Db@192.0.2.1:5070;transport=tcp>;expires=60', desk], 60],
    ['at our contact, escaped in another way', [`${desk}, <sip:a-b@192.0.2.1:5070;Transport=TCP>;expires=60`], 60],
    ['at our contact, with more parameters', [desk, '<sip:a%2Db@192.0.2.1:5070;transport=tcp;ob>;expires=60'], 60],
    ['at our contact, without its transport', [desk, '<sip:a%2Db@192.0.2.1:5070>;expires=60'], 60],
    [
      'at the only contact of our user, where the address was rewritten',
      ['<sip:a%2Db@203.0.113.7:1024>;expires=60'],
      60,
    ],
    [
      'in Expires, when two of our user were rewritten',
      ['<sip:a%2Db@203.0.113.7>;expires=8', '<sip:a%2Db@203.0.113.8>;expires=9'],
      77,
    ],
    ['in Expires, when our contact says nothing', ['<sip:a%2Db@192.0.2.1:5070;transport=tcp>', desk], 77],
    ['in Expires, when our contact says nonsense', ['<sip:a%2Db@192.0.2.1:5070;transport=tcp>;expires=x'], 77],
    ['in Expires, when ours is not there', [desk], 77],
  ])('stands %s', (_, values, expires) => {
    expect(readGrant(contacts(...values), own).expires).toBe(expires)
  })

  test('stands at the contact of our instance, whatever its URI became', () => {
    const instance = 'urn:uuid:00000000-0000-1000-8000-000a95a0e128'
    const theirs = `<sip:x@10.0.0.1>;+sip.instance="<${instance}>";reg-id=2;expires=8`
    const ours = `<sip:gruu@edge.example.com;gr=1>;+sip.instance="<${instance}>";reg-id=1;pub-gruu="sip:a;b@c";expires=60`
    const answer = contacts('<sip:a%2Db@192.0.2.1:5070;transport=tcp>;expires=9', theirs, ours)
    expect(readGrant(answer, { ...own, instance }).expires).toBe(60)
  })

  test('may be nowhere', () => {
    expect(readGrant(headers(), own)).toEqual({
      ...{ expires: undefined, serviceRoute: [], flowTimer: undefined },
    })
  })
})

test('Service-Route and Flow-Timer are read', () => {
  const answer = headers(
    ['Service-Route', '<sip:one.example.com;lr>, <sip:two.example.com;lr>'],
    ...Array.from({ length: 20 }, () => ['Service-Route', '<sip:more.example.com;lr>'] as const),
    ['Flow-Timer', '90'],
  )
  const grant = readGrant(answer, own)
  expect(grant.flowTimer).toBe(90)
  expect(grant.serviceRoute.slice(0, 2)).toEqual(['<sip:one.example.com;lr>', '<sip:two.example.com;lr>'])
  expect(grant.serviceRoute).toHaveLength(10)
})

test('the instance of a name is always the same one, and another for another name', () => {
  expect(instanceOf('sip:a@b x')).toMatch(/^urn:uuid:[\da-f]{8}-[\da-f]{4}-5[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/)
  expect(instanceOf('sip:a@b x')).toBe(instanceOf('sip:a@b x'))
  expect(instanceOf('sip:a@b x')).not.toBe(instanceOf('sip:a@b y'))
})

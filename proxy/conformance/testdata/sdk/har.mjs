// Reads an export and says what a validator of HAR 1.2 has against it, and then
// against the same with a field missing: the validator must be able to object.
import {readFileSync} from 'node:fs'
import validator from '@har-sdk/validator'

const {HarValidator} = validator
const har = JSON.parse(readFileSync(process.argv[2], 'utf8'))
const errors = await new HarValidator().verify(har)
const entries = har.log.entries.map(e => `${e.request.method} ${new URL(e.request.url).pathname} ${e.response.status}`)
delete har.log.entries[0].request.url
const broken = await new HarValidator().verify(har)
console.log(JSON.stringify({errors: errors.map(e => `${e.instancePath} ${e.message}`), entries, objects: broken.length > 0}))

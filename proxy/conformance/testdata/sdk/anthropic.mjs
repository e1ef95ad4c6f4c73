// apiKey goes out as X-Api-Key, which is no place for a service token: authToken
// is sent as a bearer token.
import Anthropic from '@anthropic-ai/sdk'

const anthropic = new Anthropic({apiKey: null, authToken: process.env.LOCKBOX_TOKEN, baseURL: process.env.LOCKBOX_URL, maxRetries: 0})
const ask = {model: 'm', max_tokens: 9, messages: [{role: 'user', content: 'hi'}]}
const whole = await anthropic.messages.create(ask)
let text = ''
for await (const event of await anthropic.messages.create({...ask, stream: true})) {
  if (event.type !== 'content_block_delta') continue
  text += event.delta.text
  console.log('chunk ' + event.delta.text)
}
console.log(JSON.stringify({whole: whole.content[0].text, streamed: text}))

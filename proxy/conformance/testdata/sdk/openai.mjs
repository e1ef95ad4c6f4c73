import OpenAI from 'openai'

const openai = new OpenAI({apiKey: process.env.LOCKBOX_TOKEN, baseURL: process.env.LOCKBOX_URL + '/v1', maxRetries: 0})
const ask = {model: 'm', messages: [{role: 'user', content: 'hi'}]}
const whole = await openai.chat.completions.create(ask)
let text = ''
for await (const part of await openai.chat.completions.create({...ask, stream: true})) {
  text += part.choices[0].delta.content
  console.log('chunk ' + part.choices[0].delta.content)
}
console.log(JSON.stringify({whole: whole.choices[0].message.content, streamed: text}))

import {WebClient} from '@slack/web-api'

const slack = new WebClient(process.env.LOCKBOX_TOKEN, {slackApiUrl: process.env.LOCKBOX_URL + '/api/', retryConfig: {retries: 0}})
const me = await slack.auth.test()
const said = await slack.chat.postMessage({channel: 'C1', text: 'hällo & <b>', blocks: [{type: 'divider'}]})
const channels = []
for await (const page of slack.paginate('conversations.list', {limit: 2})) channels.push(...page.channels.map(c => c.id))
console.log(JSON.stringify({user: me.user, ts: said.ts, channels}))

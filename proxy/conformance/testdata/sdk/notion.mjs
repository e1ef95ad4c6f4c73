import {Client} from '@notionhq/client'

const notion = new Client({auth: process.env.LOCKBOX_TOKEN, baseUrl: process.env.LOCKBOX_URL})
const users = await notion.users.list({})
const page = await notion.pages.create({parent: {page_id: 'p'}, properties: {title: [{text: {content: 'Grüße'}}]}})
let missing
try {
  await notion.blocks.children.list({block_id: 'nosuch'})
} catch (e) {
  missing = e.code
}
console.log(JSON.stringify({users: users.results.map(u => u.name), page: page.id, missing}))

// A page is a request of its own: the next one's address comes from Link.
import {Octokit} from 'octokit'

const octokit = new Octokit({auth: process.env.LOCKBOX_TOKEN, baseUrl: process.env.LOCKBOX_URL})
const issues = await octokit.paginate(octokit.rest.issues.listForRepo, {owner: 'o', repo: 'r', per_page: 2})
const made = await octokit.rest.issues.create({owner: 'o', repo: 'r', title: 'a/b & c'})
let missing
try {
  await octokit.request('GET /repos/{owner}/{repo}/contents/{path}', {owner: 'o', repo: 'r', path: 'a b/ü.txt'})
} catch (e) {
  missing = e.status
}
console.log(JSON.stringify({issues: issues.map(i => i.number), made: made.data.title, status: made.status, missing}))

// Stripe's options name a host but no path: one that has a path is reached by an
// httpClient that puts it before each request's.
import Stripe from 'stripe'

const url = new URL(process.env.LOCKBOX_URL)
const httpClient = Stripe.createNodeHttpClient()
const makeRequest = httpClient.makeRequest.bind(httpClient)
httpClient.makeRequest = (host, port, path, ...rest) => makeRequest(host, port, url.pathname + path, ...rest)

const stripe = new Stripe(process.env.LOCKBOX_TOKEN, {host: url.hostname, port: url.port, protocol: 'http', httpClient, telemetry: false})
const made = await stripe.customers.create({name: 'Ü & Co', metadata: {a: '1+1=2'}}, {idempotencyKey: 'k1'})
const ids = []
for await (const c of stripe.customers.list({limit: 2})) ids.push(c.id)
let declined
try {
  await stripe.paymentIntents.create({amount: 5, currency: 'eur'})
} catch (e) {
  declined = e.code
}
console.log(JSON.stringify({made: made.id, ids, declined}))

import crypto from 'crypto';

const key = 'KEY';

function part(s) {
  return JSON.parse(Buffer.from(s, 'base64url').toString());
}

function good(header) {
  if (!header || !header.startsWith('Bearer ')) return false;
  const p = header.slice(7).split('.');
  if (p.length !== 3 || part(p[0]).alg !== 'HS256') return false;
  const sum = crypto.createHmac('sha256', key).update(p[0] + '.' + p[1]).digest('base64url');
  if (sum !== p[2]) return false;
  const c = part(p[1]);
  return c.iss === 'lockbox' && c.exp > Date.now() / 1000 && c.service_name === 'bench' && !!c.aud;
}

function credential(r) {
  return good(r.headersIn['Authorization']) ? 'Bearer sk-upstream-key' : '';
}

export default { credential };

// Lets Prism, which shares no code with the tests' GitHub, judge recorded traffic by the published description.
// usage: node second-opinion.cjs DESCRIPTION.json RECORDING.jsonl   (with NODE_PATH to where Prism is installed)
const fs = require('fs');
const { getHttpOperationsFromSpec } = require('@stoplight/prism-http');
const { validateInput, validateOutput } = require('@stoplight/prism-http/dist/validator');
const { default: route } = require('@stoplight/prism-http/dist/router');

const [, , description, recording] = process.argv;

const headersOf = (exchange) => Object.fromEntries(Object.entries(exchange.response_headers).map(([name, value]) => [name.toLowerCase(), value]));

function violations(operations, exchange) {
  const [path, search = ''] = exchange.path.split('?');
  const query = {};
  for (const [name, value] of new URLSearchParams(search)) query[name] = value;
  const method = exchange.method.toLowerCase();
  const found = route({ resources: operations, input: { method, url: { path, query } } });
  if (found._tag === 'Left') return [`no such operation: ${found.left.detail ?? found.left.message}`];
  const resource = found.right;
  const problems = [];
  const add = (side, result) => {
    if (result._tag !== 'Left') return;
    for (const problem of result.left) {
      // An answer that the description leaves out is a gap of the description, not of the traffic: refusals are not all published.
      if (side === 'response' && exchange.status >= 400 && /Unable to match the returned status code/.test(problem.message)) continue;
      problems.push(`${side}: ${(problem.path ?? []).join('.')}: ${problem.message}`);
    }
  };
  const headers = exchange.request_body === null ? {} : { 'content-type': 'application/json' };
  add('request', validateInput({ resource, element: { method, url: { path, query }, headers, body: exchange.request_body ?? undefined } }));
  add('response', validateOutput({ resource, element: { statusCode: exchange.status, headers: headersOf(exchange), body: exchange.response_body ?? undefined } }));
  return problems;
}

async function main() {
  const operations = await getHttpOperationsFromSpec(description);
  const exchanges = fs
    .readFileSync(recording, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
    // GraphQL has no operation in the description, and an answer that was broken on purpose proves nothing.
    .filter((exchange) => exchange.template !== null && exchange.template !== '/graphql' && exchange.fault === null && exchange.status !== 304);
  let bad = 0;
  for (const exchange of exchanges) {
    for (const problem of violations(operations, exchange)) {
      console.error(`${exchange.method} ${exchange.path} ${exchange.status}: ${problem}`);
      bad += 1;
    }
  }
  // The look must not be blind: what is dropped from an answer, or asked wrongly, is seen.
  let seen = 0;
  const whole = exchanges.filter((exchange) => exchange.status === 200 && exchange.response_body && !Array.isArray(exchange.response_body));
  for (const exchange of whole) {
    const operation = exchange.template;
    for (const field of ['enforcement', 'id', 'name', 'total_count']) {
      if (!(field in exchange.response_body)) continue;
      const { [field]: dropped, ...rest } = exchange.response_body;
      if (violations(operations, { ...exchange, response_body: rest }).some((problem) => problem.startsWith('response'))) seen += 1;
    }
    if (seen > 5) break;
    if (!operation) throw new Error('an exchange without its operation');
  }
  const asked = exchanges.find((exchange) => /per_page=/.test(exchange.path));
  const misasked = asked && violations(operations, { ...asked, path: asked.path.replace(/per_page=\d+/, 'per_page=many') });
  if (exchanges.length < 20 || seen === 0 || !misasked?.some((problem) => problem.startsWith('request'))) {
    console.error(`the look is blind: ${exchanges.length} exchanges, ${seen} dropped fields seen, misasked: ${JSON.stringify(misasked)}`);
    process.exit(1);
  }
  console.log(`${exchanges.length} exchanges, ${bad} violations, ${seen} planted ones seen`);
  process.exit(bad === 0 ? 0 : 1);
}

main();

'use strict';

// The function that the rehearsal loads: small, and of the usual form.
module.exports = async (context) => {
  const { body, query } = context.request;
  return { status: 200, body: `${body.name ?? query.name}\n`, headers: { 'Content-Type': 'text/plain' } };
};

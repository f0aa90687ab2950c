# Read at load, so that they tell whether the variables were there by then.
GREETING = ENV.fetch('GREETING')
REPLACED = ENV.fetch('REPLACED')

def handler
  [GREETING, REPLACED, `printenv GREETING`.strip].join('|')
end

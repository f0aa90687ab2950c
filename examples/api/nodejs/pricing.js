'use strict';

const PRICES = { pen: 2, cup: 5 };

/** The price of all items, less a discount in percent; throws a RangeError for what is not sold. */
exports.total = (items, discount) => {
  let sum = 0;
  for (const { name, count = 1 } of items) {
    if (!(name in PRICES)) throw new RangeError(`there is no ${name}`);
    sum += PRICES[name] * count;
  }
  return Math.round(sum * (100 - discount)) / 100;
};

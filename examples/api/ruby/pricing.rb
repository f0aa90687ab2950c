# Prices of the shop.
module Pricing
  PRICES = { 'pen' => 2, 'cup' => 5 }.freeze

  # The price of all items, less a discount in percent; raises KeyError for what is not sold.
  def self.total(items, discount)
    sum = items.sum do |item|
      PRICES.fetch(item['name']) { |name| raise KeyError, "there is no #{name}" } * item.fetch('count', 1)
    end
    (sum * (100 - discount)).round / 100.0
  end
end

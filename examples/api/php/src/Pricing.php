<?php

namespace Shop;

/** Knows what things cost. */
final class Pricing
{
    private const PRICES = ['pen' => 2, 'cup' => 5];

    /** What the items cost, less a discount in per cent. */
    public static function total(array $items, float $discount): float
    {
        $sum = 0;
        foreach ($items as $item) {
            $price = self::PRICES[$item['name']] ?? throw new \DomainException("there is no {$item['name']}");
            $sum += $price * $item['count'];
        }
        return round($sum * (100 - $discount)) / 100;
    }
}

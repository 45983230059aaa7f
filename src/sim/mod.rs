//! A faithful Graph for tests and laptops: the subscriptions service, delivery, faults, a virtual clock.

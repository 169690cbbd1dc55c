(** Needs all the others: a build has to wait for them. *)
From Coq Require Import List.
From Proofs Require Import Sums Sorting Compiler Heavy.

Check sum_of_cubes.
Check sort_permutes.
Check compiler_correct.
Check all_orders_sort_alike.

Print Assumptions compiler_correct.

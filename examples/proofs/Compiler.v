(** A compiler from arithmetic expressions to a stack machine, proved correct. *)
From Coq Require Import Arith Lia List.
Import ListNotations.

Inductive expression : Type :=
  | Constant (n : nat)
  | Plus (left right : expression)
  | Times (left right : expression).

Fixpoint evaluate (e : expression) : nat :=
  match e with
  | Constant n => n
  | Plus l r => evaluate l + evaluate r
  | Times l r => evaluate l * evaluate r
  end.

Inductive instruction : Type := Push (n : nat) | Add | Multiply.

Definition step (i : instruction) (stack : list nat) : list nat :=
  match i, stack with
  | Push n, _ => n :: stack
  | Add, y :: x :: rest => (x + y) :: rest
  | Multiply, y :: x :: rest => (x * y) :: rest
  | _, _ => stack
  end.

Definition execute (program : list instruction) (stack : list nat) : list nat :=
  fold_left (fun s i => step i s) program stack.

Fixpoint compile (e : expression) : list instruction :=
  match e with
  | Constant n => [Push n]
  | Plus l r => compile l ++ compile r ++ [Add]
  | Times l r => compile l ++ compile r ++ [Multiply]
  end.

Lemma compile_pushes : forall e stack,
  execute (compile e) stack = evaluate e :: stack.
Proof.
  unfold execute.
  induction e as [n | l IHl r IHr | l IHl r IHr]; intros stack; cbn;
    rewrite ?fold_left_app, ?IHl, ?fold_left_app, ?IHr; reflexivity.
Qed.

Fixpoint fold_constants (e : expression) : expression :=
  match e with
  | Constant n => Constant n
  | Plus l r =>
      match fold_constants l, fold_constants r with
      | Constant n, Constant m => Constant (n + m)
      | l', r' => Plus l' r'
      end
  | Times l r =>
      match fold_constants l, fold_constants r with
      | Constant n, Constant m => Constant (n * m)
      | l', r' => Times l' r'
      end
  end.

Lemma folding_keeps_value : forall e, evaluate (fold_constants e) = evaluate e.
Proof.
  induction e as [n | l IHl r IHr | l IHl r IHr]; cbn; [reflexivity | |];
    destruct (fold_constants l), (fold_constants r); cbn in *; lia.
Qed.

Theorem compiler_correct : forall e,
  execute (compile (fold_constants e)) [] = [evaluate e].
Proof. intros e. now rewrite compile_pushes, folding_keeps_value. Qed.
